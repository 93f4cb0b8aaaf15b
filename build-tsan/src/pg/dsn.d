build-tsan/src/pg/dsn.o: src/pg/dsn.c src/pg/dsn.h src/base/err.h \
 src/base/def.h
src/pg/dsn.h:
src/base/err.h:
src/base/def.h:
