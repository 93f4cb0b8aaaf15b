build-tsan/src/consumer/settle.o: src/consumer/settle.c \
 src/consumer/settle.h src/consumer/compare.h src/consumer/survey.h \
 src/consumer/digest.h src/base/buf.h src/base/def.h src/consumer/sink.h \
 src/consumer/plan.h src/base/arena.h src/consumer/relation.h \
 src/consumer/mirror.h src/base/err.h src/consumer/consumer_conf.h \
 src/base/conf.h src/event/position.h src/pg/pgoutput.h src/pg/conn.h \
 src/base/clock.h src/base/json.h src/consumer/suspect.h
src/consumer/settle.h:
src/consumer/compare.h:
src/consumer/survey.h:
src/consumer/digest.h:
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
src/base/clock.h:
src/base/json.h:
src/consumer/suspect.h:
