build-tsan/src/consumer/survey.o: src/consumer/survey.c \
 src/consumer/survey.h src/consumer/digest.h src/base/buf.h \
 src/base/def.h src/consumer/sink.h src/consumer/plan.h src/base/arena.h \
 src/consumer/relation.h src/consumer/mirror.h src/base/err.h \
 src/consumer/consumer_conf.h src/base/conf.h src/event/position.h \
 src/pg/pgoutput.h src/pg/conn.h
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
