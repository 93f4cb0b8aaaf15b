build-tsan/src/router/own.o: src/router/own.c src/router/own.h \
 src/base/clock.h src/base/def.h src/router/backend.h src/pg/msg.h \
 src/base/buf.h src/pg/scram.h src/base/err.h src/router/target.h \
 src/router/wire.h src/base/log.h src/router/router_conf.h \
 src/base/conf.h src/router/worker.h src/router/cache.h \
 src/router/judge.h src/router/catalog.h src/pg/conn.h \
 src/router/classify.h src/router/shape.h src/router/users.h
src/router/own.h:
src/base/clock.h:
src/base/def.h:
src/router/backend.h:
src/pg/msg.h:
src/base/buf.h:
src/pg/scram.h:
src/base/err.h:
src/router/target.h:
src/router/wire.h:
src/base/log.h:
src/router/router_conf.h:
src/base/conf.h:
src/router/worker.h:
src/router/cache.h:
src/router/judge.h:
src/router/catalog.h:
src/pg/conn.h:
src/router/classify.h:
src/router/shape.h:
src/router/users.h:
