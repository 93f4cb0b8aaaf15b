build-tsan/src/consumer/park.o: src/consumer/park.c src/consumer/park.h \
 src/consumer/sink.h src/consumer/plan.h src/base/arena.h src/base/def.h \
 src/consumer/relation.h src/consumer/mirror.h src/base/err.h \
 src/consumer/consumer_conf.h src/base/conf.h src/event/position.h \
 src/pg/pgoutput.h src/base/buf.h src/pg/conn.h src/base/json.h \
 src/base/log.h src/consumer/tally.h src/base/metric.h
src/consumer/park.h:
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
src/base/json.h:
src/base/log.h:
src/consumer/tally.h:
src/base/metric.h:
