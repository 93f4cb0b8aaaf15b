build-tsan/src/consumer/receive.o: src/consumer/receive.c \
 src/consumer/receive.h src/base/err.h src/base/def.h src/base/clock.h \
 src/base/daemon.h src/base/log.h src/consumer/tally.h src/base/metric.h \
 src/base/buf.h src/mq/consume.h src/mq/link.h
src/consumer/receive.h:
src/base/err.h:
src/base/def.h:
src/base/clock.h:
src/base/daemon.h:
src/base/log.h:
src/consumer/tally.h:
src/base/metric.h:
src/base/buf.h:
src/mq/consume.h:
src/mq/link.h:
