build-tsan/src/ops/routing.o: src/ops/routing.c src/ops/ops.h \
 src/event/setup.h src/base/conf.h src/base/def.h src/base/err.h \
 src/pg/conn.h src/router/decide.h src/router/judge.h \
 src/router/catalog.h src/router/classify.h
src/ops/ops.h:
src/event/setup.h:
src/base/conf.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/router/decide.h:
src/router/judge.h:
src/router/catalog.h:
src/router/classify.h:
