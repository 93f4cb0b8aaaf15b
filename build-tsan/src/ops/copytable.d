build-tsan/src/ops/copytable.o: src/ops/copytable.c src/ops/copytable.h \
 src/base/buf.h src/base/def.h src/ops/captured.h src/base/err.h \
 src/pg/conn.h src/consumer/chunk.h src/event/setup.h src/base/conf.h \
 src/ops/bootstrap_conf.h
src/ops/copytable.h:
src/base/buf.h:
src/base/def.h:
src/ops/captured.h:
src/base/err.h:
src/pg/conn.h:
src/consumer/chunk.h:
src/event/setup.h:
src/base/conf.h:
src/ops/bootstrap_conf.h:
