build-tsan/src/relay/claim.o: src/relay/claim.c src/relay/claim.h \
 src/mq/link.h src/base/buf.h src/base/def.h src/base/err.h src/pg/conn.h \
 src/event/setup.h src/base/conf.h src/mq/topology.h
src/relay/claim.h:
src/mq/link.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/event/setup.h:
src/base/conf.h:
src/mq/topology.h:
