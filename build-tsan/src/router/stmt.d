build-tsan/src/router/stmt.o: src/router/stmt.c src/router/stmt.h \
 src/base/buf.h src/base/def.h src/router/worker.h src/router/cache.h \
 src/router/judge.h src/router/catalog.h src/base/err.h src/pg/conn.h \
 src/router/classify.h src/router/shape.h src/router/target.h \
 src/router/users.h src/pg/scram.h src/router/wire.h
src/router/stmt.h:
src/base/buf.h:
src/base/def.h:
src/router/worker.h:
src/router/cache.h:
src/router/judge.h:
src/router/catalog.h:
src/base/err.h:
src/pg/conn.h:
src/router/classify.h:
src/router/shape.h:
src/router/target.h:
src/router/users.h:
src/pg/scram.h:
src/router/wire.h:
