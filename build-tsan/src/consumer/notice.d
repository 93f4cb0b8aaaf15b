build-tsan/src/consumer/notice.o: src/consumer/notice.c \
 src/consumer/notice.h src/base/err.h src/base/def.h src/consumer/alter.h \
 src/consumer/apply.h src/consumer/batch.h src/consumer/relation.h \
 src/consumer/mirror.h src/consumer/consumer_conf.h src/base/conf.h \
 src/event/position.h src/pg/pgoutput.h src/base/buf.h src/event/frame.h \
 src/consumer/cursor.h src/pg/conn.h src/consumer/park.h \
 src/consumer/sink.h src/consumer/plan.h src/base/arena.h \
 src/consumer/traced.h src/base/trace.h src/consumer/repair.h
src/consumer/notice.h:
src/base/err.h:
src/base/def.h:
src/consumer/alter.h:
src/consumer/apply.h:
src/consumer/batch.h:
src/consumer/relation.h:
src/consumer/mirror.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/event/position.h:
src/pg/pgoutput.h:
src/base/buf.h:
src/event/frame.h:
src/consumer/cursor.h:
src/pg/conn.h:
src/consumer/park.h:
src/consumer/sink.h:
src/consumer/plan.h:
src/base/arena.h:
src/consumer/traced.h:
src/base/trace.h:
src/consumer/repair.h:
