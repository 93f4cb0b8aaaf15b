build-tsan/src/ops/verify.o: src/ops/verify.c src/base/json.h \
 src/base/buf.h src/base/def.h src/consumer/compare.h \
 src/consumer/survey.h src/consumer/digest.h src/consumer/sink.h \
 src/consumer/plan.h src/base/arena.h src/consumer/relation.h \
 src/consumer/mirror.h src/base/err.h src/consumer/consumer_conf.h \
 src/base/conf.h src/event/position.h src/pg/pgoutput.h src/pg/conn.h \
 src/event/setup.h src/ops/ops.h
src/base/json.h:
src/base/buf.h:
src/base/def.h:
src/consumer/compare.h:
src/consumer/survey.h:
src/consumer/digest.h:
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
src/event/setup.h:
src/ops/ops.h:
