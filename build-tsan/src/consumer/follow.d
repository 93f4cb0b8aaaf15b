build-tsan/src/consumer/follow.o: src/consumer/follow.c \
 src/consumer/follow.h src/consumer/announce.h src/consumer/batch.h \
 src/consumer/relation.h src/consumer/mirror.h src/base/err.h \
 src/base/def.h src/consumer/consumer_conf.h src/base/conf.h \
 src/event/position.h src/pg/pgoutput.h src/base/buf.h src/event/frame.h \
 src/consumer/apply.h src/consumer/cursor.h src/pg/conn.h \
 src/consumer/park.h src/consumer/sink.h src/consumer/plan.h \
 src/base/arena.h src/consumer/traced.h src/base/trace.h \
 src/consumer/chain.h src/consumer/receive.h src/consumer/report.h \
 src/consumer/reapply.h src/base/clock.h src/base/log.h \
 src/consumer/alter.h src/consumer/tally.h src/base/metric.h \
 src/consumer/resync.h
src/consumer/follow.h:
src/consumer/announce.h:
src/consumer/batch.h:
src/consumer/relation.h:
src/consumer/mirror.h:
src/base/err.h:
src/base/def.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/event/position.h:
src/pg/pgoutput.h:
src/base/buf.h:
src/event/frame.h:
src/consumer/apply.h:
src/consumer/cursor.h:
src/pg/conn.h:
src/consumer/park.h:
src/consumer/sink.h:
src/consumer/plan.h:
src/base/arena.h:
src/consumer/traced.h:
src/base/trace.h:
src/consumer/chain.h:
src/consumer/receive.h:
src/consumer/report.h:
src/consumer/reapply.h:
src/base/clock.h:
src/base/log.h:
src/consumer/alter.h:
src/consumer/tally.h:
src/base/metric.h:
src/consumer/resync.h:
