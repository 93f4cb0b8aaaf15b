build-tsan/src/router/look.o: src/router/look.c src/router/look.h \
 src/router/judge.h src/router/catalog.h src/base/def.h src/base/err.h \
 src/pg/conn.h src/router/classify.h
src/router/look.h:
src/router/judge.h:
src/router/catalog.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/router/classify.h:
