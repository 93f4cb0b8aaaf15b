build-tsan/src/router/judge_scope.o: src/router/judge_scope.c \
 src/router/judge.h src/router/catalog.h src/base/def.h src/base/err.h \
 src/pg/conn.h src/router/classify.h src/router/shape.h src/base/buf.h
src/router/judge.h:
src/router/catalog.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/router/classify.h:
src/router/shape.h:
src/base/buf.h:
