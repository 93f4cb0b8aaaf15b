build-tsan/src/base/rand.o: src/base/rand.c src/base/rand.h \
 src/base/def.h
src/base/rand.h:
src/base/def.h:
