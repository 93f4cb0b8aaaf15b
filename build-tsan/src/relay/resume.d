build-tsan/src/relay/resume.o: src/relay/resume.c src/relay/resume.h \
 src/event/position.h src/base/def.h src/mq/link.h src/base/buf.h \
 src/base/err.h src/relay/gapless.h src/base/clock.h src/event/frame.h \
 src/event/setup.h src/base/conf.h src/mq/consume.h src/mq/topology.h
src/relay/resume.h:
src/event/position.h:
src/base/def.h:
src/mq/link.h:
src/base/buf.h:
src/base/err.h:
src/relay/gapless.h:
src/base/clock.h:
src/event/frame.h:
src/event/setup.h:
src/base/conf.h:
src/mq/consume.h:
src/mq/topology.h:
