build-tsan/src/consumer/batch.o: src/consumer/batch.c \
 src/consumer/batch.h src/consumer/relation.h src/consumer/mirror.h \
 src/base/err.h src/base/def.h src/consumer/consumer_conf.h \
 src/base/conf.h src/event/position.h src/pg/pgoutput.h src/base/buf.h \
 src/event/frame.h src/consumer/notice.h
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
src/consumer/notice.h:
