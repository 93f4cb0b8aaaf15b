build-tsan/src/mq/consume.o: src/mq/consume.c src/mq/consume.h \
 src/mq/link.h src/base/buf.h src/base/def.h src/base/err.h
src/mq/consume.h:
src/mq/link.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
