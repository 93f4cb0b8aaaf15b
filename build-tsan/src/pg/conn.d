build-tsan/src/pg/conn.o: src/pg/conn.c src/pg/conn.h src/base/def.h \
 src/base/err.h src/base/buf.h src/base/clock.h
src/pg/conn.h:
src/base/def.h:
src/base/err.h:
src/base/buf.h:
src/base/clock.h:
