build-tsan/src/consumer/announce.o: src/consumer/announce.c \
 src/consumer/announce.h src/consumer/batch.h src/consumer/relation.h \
 src/consumer/mirror.h src/base/err.h src/base/def.h \
 src/consumer/consumer_conf.h src/base/conf.h src/event/position.h \
 src/pg/pgoutput.h src/base/buf.h src/event/frame.h src/base/arena.h \
 src/base/clock.h src/base/json.h src/consumer/plan.h
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
src/base/arena.h:
src/base/clock.h:
src/base/json.h:
src/consumer/plan.h:
