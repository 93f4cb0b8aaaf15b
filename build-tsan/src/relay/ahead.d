build-tsan/src/relay/ahead.o: src/relay/ahead.c src/relay/ahead.h \
 src/base/def.h
src/relay/ahead.h:
src/base/def.h:
