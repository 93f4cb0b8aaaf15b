build-tsan/src/base/def.o: src/base/def.c src/base/def.h
src/base/def.h:
