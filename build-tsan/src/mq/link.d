build-tsan/src/mq/link.o: src/mq/link.c src/mq/link.h src/base/buf.h \
 src/base/def.h src/base/err.h
src/mq/link.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
