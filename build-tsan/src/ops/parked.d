build-tsan/src/ops/parked.o: src/ops/parked.c src/ops/ops.h \
 src/base/clock.h src/base/def.h src/base/daemon.h src/base/json.h \
 src/base/buf.h src/consumer/consumer_conf.h src/base/conf.h \
 src/base/err.h src/event/setup.h src/pg/conn.h
src/ops/ops.h:
src/base/clock.h:
src/base/def.h:
src/base/daemon.h:
src/base/json.h:
src/base/buf.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/base/err.h:
src/event/setup.h:
src/pg/conn.h:
