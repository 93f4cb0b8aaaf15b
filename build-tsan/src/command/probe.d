build-tsan/src/command/probe.o: src/command/probe.c src/command/probe.h \
 src/base/def.h src/base/clock.h src/base/err.h src/base/log.h \
 src/event/setup.h src/base/conf.h src/mq/link.h src/base/buf.h \
 src/pg/conn.h
src/command/probe.h:
src/base/def.h:
src/base/clock.h:
src/base/err.h:
src/base/log.h:
src/event/setup.h:
src/base/conf.h:
src/mq/link.h:
src/base/buf.h:
src/pg/conn.h:
