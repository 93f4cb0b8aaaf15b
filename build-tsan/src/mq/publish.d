build-tsan/src/mq/publish.o: src/mq/publish.c src/mq/publish.h \
 src/mq/link.h src/base/buf.h src/base/def.h src/base/err.h
src/mq/publish.h:
src/mq/link.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
