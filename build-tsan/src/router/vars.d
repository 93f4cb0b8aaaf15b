build-tsan/src/router/vars.o: src/router/vars.c src/router/session.h \
 src/base/trace.h src/base/def.h src/router/backend.h src/pg/msg.h \
 src/base/buf.h src/pg/scram.h src/base/err.h src/router/target.h \
 src/router/wire.h src/router/cache.h src/router/judge.h \
 src/router/catalog.h src/pg/conn.h src/router/classify.h \
 src/router/shape.h src/router/decide.h src/router/fresh.h \
 src/event/position.h src/router/pool.h src/router/stmt.h \
 src/router/worker.h src/router/users.h
src/router/session.h:
src/base/trace.h:
src/base/def.h:
src/router/backend.h:
src/pg/msg.h:
src/base/buf.h:
src/pg/scram.h:
src/base/err.h:
src/router/target.h:
src/router/wire.h:
src/router/cache.h:
src/router/judge.h:
src/router/catalog.h:
src/pg/conn.h:
src/router/classify.h:
src/router/shape.h:
src/router/decide.h:
src/router/fresh.h:
src/event/position.h:
src/router/pool.h:
src/router/stmt.h:
src/router/worker.h:
src/router/users.h:
