build-tsan/src/pg/repl.o: src/pg/repl.c src/pg/repl.h src/base/buf.h \
 src/base/def.h src/base/err.h src/base/clock.h src/pg/conn.h
src/pg/repl.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/base/clock.h:
src/pg/conn.h:
