build-tsan/src/base/arena.o: src/base/arena.c src/base/arena.h \
 src/base/def.h
src/base/arena.h:
src/base/def.h:
