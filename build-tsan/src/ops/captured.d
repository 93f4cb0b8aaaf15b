build-tsan/src/ops/captured.o: src/ops/captured.c src/ops/captured.h \
 src/base/err.h src/base/def.h src/pg/conn.h src/base/buf.h \
 src/consumer/consumer_conf.h src/base/conf.h src/event/setup.h
src/ops/captured.h:
src/base/err.h:
src/base/def.h:
src/pg/conn.h:
src/base/buf.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/event/setup.h:
