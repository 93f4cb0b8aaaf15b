build-tsan/src/consumer/tally.o: src/consumer/tally.c \
 src/consumer/tally.h src/base/metric.h src/base/buf.h src/base/def.h
src/consumer/tally.h:
src/base/metric.h:
src/base/buf.h:
src/base/def.h:
