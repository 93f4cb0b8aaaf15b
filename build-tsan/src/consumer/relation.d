build-tsan/src/consumer/relation.o: src/consumer/relation.c \
 src/consumer/relation.h src/consumer/mirror.h src/base/err.h \
 src/base/def.h src/consumer/consumer_conf.h src/base/conf.h \
 src/event/position.h src/pg/pgoutput.h src/base/buf.h src/base/arena.h \
 src/consumer/plan.h src/consumer/sink.h src/pg/conn.h \
 src/consumer/start.h
src/consumer/relation.h:
src/consumer/mirror.h:
src/base/err.h:
src/base/def.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/event/position.h:
src/pg/pgoutput.h:
src/base/buf.h:
src/base/arena.h:
src/consumer/plan.h:
src/consumer/sink.h:
src/pg/conn.h:
src/consumer/start.h:
