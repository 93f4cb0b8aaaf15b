build-tsan/src/router/router.o: src/router/router.c src/router/router.h \
 src/base/clock.h src/base/def.h src/base/daemon.h src/base/httpd.h \
 src/base/buf.h src/base/err.h src/base/log.h src/event/setup.h \
 src/base/conf.h src/pg/conn.h src/router/catalog.h src/router/listen.h \
 src/router/meter.h src/router/router_conf.h src/router/worker.h \
 src/router/cache.h src/router/judge.h src/router/classify.h \
 src/router/shape.h src/router/target.h src/router/users.h src/pg/scram.h \
 src/router/wire.h
src/router/router.h:
src/base/clock.h:
src/base/def.h:
src/base/daemon.h:
src/base/httpd.h:
src/base/buf.h:
src/base/err.h:
src/base/log.h:
src/event/setup.h:
src/base/conf.h:
src/pg/conn.h:
src/router/catalog.h:
src/router/listen.h:
src/router/meter.h:
src/router/router_conf.h:
src/router/worker.h:
src/router/cache.h:
src/router/judge.h:
src/router/classify.h:
src/router/shape.h:
src/router/target.h:
src/router/users.h:
src/pg/scram.h:
src/router/wire.h:
