build-tsan/src/relay/health.o: src/relay/health.c src/relay/health.h \
 src/base/def.h
src/relay/health.h:
src/base/def.h:
