build-tsan/src/ops/bootstrap.o: src/ops/bootstrap.c src/base/json.h \
 src/base/buf.h src/base/def.h src/consumer/consumer_conf.h \
 src/base/conf.h src/base/err.h src/ops/migrate.h src/ops/enroll.h \
 src/ops/captured.h src/pg/conn.h src/ops/ops.h
src/base/json.h:
src/base/buf.h:
src/base/def.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/base/err.h:
src/ops/migrate.h:
src/ops/enroll.h:
src/ops/captured.h:
src/pg/conn.h:
src/ops/ops.h:
