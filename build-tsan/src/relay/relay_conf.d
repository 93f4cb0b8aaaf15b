build-tsan/src/relay/relay_conf.o: src/relay/relay_conf.c \
 src/relay/relay_conf.h src/base/conf.h src/base/def.h src/base/err.h
src/relay/relay_conf.h:
src/base/conf.h:
src/base/def.h:
src/base/err.h:
