build-tsan/src/router/listen.o: src/router/listen.c src/router/listen.h \
 src/base/err.h src/base/def.h src/base/log.h src/pg/msg.h src/base/buf.h \
 src/router/router_conf.h src/base/conf.h src/router/worker.h \
 src/router/cache.h src/router/judge.h src/router/catalog.h src/pg/conn.h \
 src/router/classify.h src/router/shape.h src/router/target.h \
 src/router/users.h src/pg/scram.h src/router/wire.h
src/router/listen.h:
src/base/err.h:
src/base/def.h:
src/base/log.h:
src/pg/msg.h:
src/base/buf.h:
src/router/router_conf.h:
src/base/conf.h:
src/router/worker.h:
src/router/cache.h:
src/router/judge.h:
src/router/catalog.h:
src/pg/conn.h:
src/router/classify.h:
src/router/shape.h:
src/router/target.h:
src/router/users.h:
src/pg/scram.h:
src/router/wire.h:
