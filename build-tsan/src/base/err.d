build-tsan/src/base/err.o: src/base/err.c src/base/err.h src/base/def.h
src/base/err.h:
src/base/def.h:
