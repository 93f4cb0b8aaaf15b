build-tsan/src/router/shape.o: src/router/shape.c src/router/shape.h \
 src/base/buf.h src/base/def.h
src/router/shape.h:
src/base/buf.h:
src/base/def.h:
