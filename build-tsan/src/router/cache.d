build-tsan/src/router/cache.o: src/router/cache.c src/router/cache.h \
 src/router/judge.h src/router/catalog.h src/base/def.h src/base/err.h \
 src/pg/conn.h src/router/classify.h src/router/shape.h src/base/buf.h
src/router/cache.h:
src/router/judge.h:
src/router/catalog.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/router/classify.h:
src/router/shape.h:
src/base/buf.h:
