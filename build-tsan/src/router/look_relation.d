build-tsan/src/router/look_relation.o: src/router/look_relation.c \
 src/router/look.h src/router/judge.h src/router/catalog.h src/base/def.h \
 src/base/err.h src/pg/conn.h src/router/classify.h
src/router/look.h:
src/router/judge.h:
src/router/catalog.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/router/classify.h:
