build-tsan/src/ops/events.o: src/ops/events.c src/ops/ops.h \
 src/base/clock.h src/base/def.h src/base/daemon.h src/base/json.h \
 src/base/buf.h src/event/member.h src/event/pattern.h \
 src/event/position.h src/event/setup.h src/base/conf.h src/base/err.h \
 src/mq/consume.h src/mq/link.h src/mq/publish.h src/mq/topology.h
src/ops/ops.h:
src/base/clock.h:
src/base/def.h:
src/base/daemon.h:
src/base/json.h:
src/base/buf.h:
src/event/member.h:
src/event/pattern.h:
src/event/position.h:
src/event/setup.h:
src/base/conf.h:
src/base/err.h:
src/mq/consume.h:
src/mq/link.h:
src/mq/publish.h:
src/mq/topology.h:
