build-tsan/src/pg/uri.o: src/pg/uri.c src/pg/uri.h src/base/err.h \
 src/base/def.h
src/pg/uri.h:
src/base/err.h:
src/base/def.h:
