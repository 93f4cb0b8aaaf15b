build-tsan/src/relay/retry.o: src/relay/retry.c src/relay/retry.h \
 src/base/metric.h src/base/buf.h src/base/def.h src/event/event.h \
 src/base/err.h src/base/trace.h src/event/position.h src/pg/pgoutput.h \
 src/base/log.h src/event/setup.h src/base/conf.h
src/relay/retry.h:
src/base/metric.h:
src/base/buf.h:
src/base/def.h:
src/event/event.h:
src/base/err.h:
src/base/trace.h:
src/event/position.h:
src/pg/pgoutput.h:
src/base/log.h:
src/event/setup.h:
src/base/conf.h:
