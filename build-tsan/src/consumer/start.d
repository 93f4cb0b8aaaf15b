build-tsan/src/consumer/start.o: src/consumer/start.c \
 src/consumer/start.h src/base/arena.h src/base/def.h src/base/buf.h \
 src/pg/conn.h src/base/err.h src/consumer/batch.h \
 src/consumer/relation.h src/consumer/mirror.h \
 src/consumer/consumer_conf.h src/base/conf.h src/event/position.h \
 src/pg/pgoutput.h src/event/frame.h src/consumer/chunk.h \
 src/consumer/cursor.h src/consumer/plan.h src/consumer/statement.h \
 src/consumer/sink.h src/pg/pipeline.h
src/consumer/start.h:
src/base/arena.h:
src/base/def.h:
src/base/buf.h:
src/pg/conn.h:
src/base/err.h:
src/consumer/batch.h:
src/consumer/relation.h:
src/consumer/mirror.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/event/position.h:
src/pg/pgoutput.h:
src/event/frame.h:
src/consumer/chunk.h:
src/consumer/cursor.h:
src/consumer/plan.h:
src/consumer/statement.h:
src/consumer/sink.h:
src/pg/pipeline.h:
