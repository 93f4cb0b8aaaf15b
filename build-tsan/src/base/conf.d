build-tsan/src/base/conf.o: src/base/conf.c src/base/conf.h \
 src/base/def.h src/base/err.h src/base/buf.h
src/base/conf.h:
src/base/def.h:
src/base/err.h:
src/base/buf.h:
