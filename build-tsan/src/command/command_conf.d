build-tsan/src/command/command_conf.o: src/command/command_conf.c \
 src/command/command_conf.h src/base/conf.h src/base/def.h src/base/err.h \
 src/router/router_conf.h
src/command/command_conf.h:
src/base/conf.h:
src/base/def.h:
src/base/err.h:
src/router/router_conf.h:
