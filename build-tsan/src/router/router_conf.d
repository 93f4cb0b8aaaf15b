build-tsan/src/router/router_conf.o: src/router/router_conf.c \
 src/router/router_conf.h src/base/conf.h src/base/def.h src/base/err.h
src/router/router_conf.h:
src/base/conf.h:
src/base/def.h:
src/base/err.h:
