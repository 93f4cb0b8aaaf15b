build-tsan/src/router/catalog.o: src/router/catalog.c \
 src/router/catalog.h src/base/def.h src/base/err.h src/pg/conn.h \
 src/base/arena.h src/router/shape.h src/base/buf.h
src/router/catalog.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/base/arena.h:
src/router/shape.h:
src/base/buf.h:
