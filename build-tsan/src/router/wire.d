build-tsan/src/router/wire.o: src/router/wire.c src/router/wire.h \
 src/base/buf.h src/base/def.h src/base/err.h
src/router/wire.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
