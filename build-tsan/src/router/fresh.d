build-tsan/src/router/fresh.o: src/router/fresh.c src/router/fresh.h \
 src/event/position.h src/base/def.h src/router/target.h src/base/err.h \
 src/base/clock.h src/base/log.h src/router/own.h src/router/backend.h \
 src/pg/msg.h src/base/buf.h src/pg/scram.h src/router/wire.h \
 src/router/router_conf.h src/base/conf.h src/router/worker.h \
 src/router/cache.h src/router/judge.h src/router/catalog.h src/pg/conn.h \
 src/router/classify.h src/router/shape.h src/router/users.h
src/router/fresh.h:
src/event/position.h:
src/base/def.h:
src/router/target.h:
src/base/err.h:
src/base/clock.h:
src/base/log.h:
src/router/own.h:
src/router/backend.h:
src/pg/msg.h:
src/base/buf.h:
src/pg/scram.h:
src/router/wire.h:
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
