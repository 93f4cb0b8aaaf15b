build-tsan/src/router/worker.o: src/router/worker.c src/router/worker.h \
 src/router/cache.h src/router/judge.h src/router/catalog.h \
 src/base/def.h src/base/err.h src/pg/conn.h src/router/classify.h \
 src/router/shape.h src/base/buf.h src/router/target.h src/router/users.h \
 src/pg/scram.h src/router/wire.h src/base/clock.h src/base/daemon.h \
 src/base/log.h src/router/backend.h src/pg/msg.h src/router/fresh.h \
 src/event/position.h src/router/pool.h src/router/router_conf.h \
 src/base/conf.h src/router/session.h src/base/trace.h \
 src/router/decide.h src/router/stmt.h
src/router/worker.h:
src/router/cache.h:
src/router/judge.h:
src/router/catalog.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/router/classify.h:
src/router/shape.h:
src/base/buf.h:
src/router/target.h:
src/router/users.h:
src/pg/scram.h:
src/router/wire.h:
src/base/clock.h:
src/base/daemon.h:
src/base/log.h:
src/router/backend.h:
src/pg/msg.h:
src/router/fresh.h:
src/event/position.h:
src/router/pool.h:
src/router/router_conf.h:
src/base/conf.h:
src/router/session.h:
src/base/trace.h:
src/router/decide.h:
src/router/stmt.h:
