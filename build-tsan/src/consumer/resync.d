build-tsan/src/consumer/resync.o: src/consumer/resync.c \
 src/consumer/resync.h src/consumer/mirror.h src/base/err.h \
 src/base/def.h src/consumer/consumer_conf.h src/base/conf.h \
 src/consumer/park.h src/consumer/sink.h src/consumer/plan.h \
 src/base/arena.h src/consumer/relation.h src/event/position.h \
 src/pg/pgoutput.h src/base/buf.h src/pg/conn.h src/base/log.h \
 src/event/setup.h src/pg/pipeline.h src/pg/repl.h
src/consumer/resync.h:
src/consumer/mirror.h:
src/base/err.h:
src/base/def.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/consumer/park.h:
src/consumer/sink.h:
src/consumer/plan.h:
src/base/arena.h:
src/consumer/relation.h:
src/event/position.h:
src/pg/pgoutput.h:
src/base/buf.h:
src/pg/conn.h:
src/base/log.h:
src/event/setup.h:
src/pg/pipeline.h:
src/pg/repl.h:
