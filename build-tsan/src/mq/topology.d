build-tsan/src/mq/topology.o: src/mq/topology.c src/mq/topology.h \
 src/mq/link.h src/base/buf.h src/base/def.h src/base/err.h
src/mq/topology.h:
src/mq/link.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
