build-tsan/src/ops/migrate.o: src/ops/migrate.c src/base/buf.h \
 src/base/def.h src/event/setup.h src/base/conf.h src/base/err.h \
 src/ops/captured.h src/pg/conn.h src/ops/enroll.h src/ops/account.h \
 src/ops/migrate.h src/ops/migrate_conf.h src/ops/ops.h \
 src/router/router_conf.h
src/base/buf.h:
src/base/def.h:
src/event/setup.h:
src/base/conf.h:
src/base/err.h:
src/ops/captured.h:
src/pg/conn.h:
src/ops/enroll.h:
src/ops/account.h:
src/ops/migrate.h:
src/ops/migrate_conf.h:
src/ops/ops.h:
src/router/router_conf.h:
