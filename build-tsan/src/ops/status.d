build-tsan/src/ops/status.o: src/ops/status.c src/base/buf.h \
 src/base/def.h src/consumer/consumer_conf.h src/base/conf.h \
 src/base/err.h src/event/setup.h src/mq/link.h src/mq/topology.h \
 src/ops/ops.h src/pg/conn.h
src/base/buf.h:
src/base/def.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/base/err.h:
src/event/setup.h:
src/mq/link.h:
src/mq/topology.h:
src/ops/ops.h:
src/pg/conn.h:
