build-tsan/src/router/catload.o: src/router/catload.c \
 src/router/catalog.h src/base/def.h src/base/err.h src/pg/conn.h \
 src/base/buf.h src/router/judge.h src/router/classify.h
src/router/catalog.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/base/buf.h:
src/router/judge.h:
src/router/classify.h:
