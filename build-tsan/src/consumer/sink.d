build-tsan/src/consumer/sink.o: src/consumer/sink.c src/consumer/sink.h \
 src/consumer/plan.h src/base/arena.h src/base/def.h \
 src/consumer/relation.h src/consumer/mirror.h src/base/err.h \
 src/consumer/consumer_conf.h src/base/conf.h src/event/position.h \
 src/pg/pgoutput.h src/base/buf.h src/pg/conn.h src/base/clock.h \
 src/base/json.h src/consumer/statement.h
src/consumer/sink.h:
src/consumer/plan.h:
src/base/arena.h:
src/base/def.h:
src/consumer/relation.h:
src/consumer/mirror.h:
src/base/err.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/event/position.h:
src/pg/pgoutput.h:
src/base/buf.h:
src/pg/conn.h:
src/base/clock.h:
src/base/json.h:
src/consumer/statement.h:
