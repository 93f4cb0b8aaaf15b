build-tsan/src/router/meter.o: src/router/meter.c src/router/meter.h \
 src/base/httpd.h src/base/buf.h src/base/def.h src/base/err.h \
 src/router/catalog.h src/pg/conn.h src/router/worker.h \
 src/router/cache.h src/router/judge.h src/router/classify.h \
 src/router/shape.h src/router/target.h src/router/users.h src/pg/scram.h \
 src/router/wire.h
src/router/meter.h:
src/base/httpd.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/router/catalog.h:
src/pg/conn.h:
src/router/worker.h:
src/router/cache.h:
src/router/judge.h:
src/router/classify.h:
src/router/shape.h:
src/router/target.h:
src/router/users.h:
src/pg/scram.h:
src/router/wire.h:
