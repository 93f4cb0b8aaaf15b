build-tsan/src/ops/snapshot.o: src/ops/snapshot.c src/ops/snapshot.h \
 src/event/position.h src/base/def.h src/pg/conn.h src/base/err.h \
 src/pg/repl.h src/base/buf.h src/base/clock.h
src/ops/snapshot.h:
src/event/position.h:
src/base/def.h:
src/pg/conn.h:
src/base/err.h:
src/pg/repl.h:
src/base/buf.h:
src/base/clock.h:
