build-tsan/src/pg/pgoutput.o: src/pg/pgoutput.c src/pg/pgoutput.h \
 src/base/buf.h src/base/def.h src/base/err.h
src/pg/pgoutput.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
