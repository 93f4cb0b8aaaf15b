build-tsan/src/consumer/statement.o: src/consumer/statement.c \
 src/consumer/statement.h src/base/buf.h src/base/def.h \
 src/consumer/sink.h src/consumer/plan.h src/base/arena.h \
 src/consumer/relation.h src/consumer/mirror.h src/base/err.h \
 src/consumer/consumer_conf.h src/base/conf.h src/event/position.h \
 src/pg/pgoutput.h src/pg/conn.h src/pg/pipeline.h
src/consumer/statement.h:
src/base/buf.h:
src/base/def.h:
src/consumer/sink.h:
src/consumer/plan.h:
src/base/arena.h:
src/consumer/relation.h:
src/consumer/mirror.h:
src/base/err.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/event/position.h:
src/pg/pgoutput.h:
src/pg/conn.h:
src/pg/pipeline.h:
