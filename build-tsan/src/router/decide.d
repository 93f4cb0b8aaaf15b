build-tsan/src/router/decide.o: src/router/decide.c src/router/decide.h \
 src/router/judge.h src/router/catalog.h src/base/def.h src/base/err.h \
 src/pg/conn.h src/router/classify.h
src/router/decide.h:
src/router/judge.h:
src/router/catalog.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/router/classify.h:
