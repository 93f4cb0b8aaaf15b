build-tsan/src/pg/scram.o: src/pg/scram.c src/pg/scram.h src/base/buf.h \
 src/base/def.h src/base/err.h
src/pg/scram.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
