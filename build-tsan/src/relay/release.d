build-tsan/src/relay/release.o: src/relay/release.c src/relay/release.h \
 src/relay/ahead.h src/base/def.h src/relay/session.h src/base/metric.h \
 src/base/buf.h src/mq/link.h src/base/err.h src/pg/conn.h src/pg/repl.h \
 src/relay/frontier.h src/event/position.h src/relay/intake.h \
 src/base/log.h src/event/setup.h src/base/conf.h src/relay/relay_conf.h
src/relay/release.h:
src/relay/ahead.h:
src/base/def.h:
src/relay/session.h:
src/base/metric.h:
src/base/buf.h:
src/mq/link.h:
src/base/err.h:
src/pg/conn.h:
src/pg/repl.h:
src/relay/frontier.h:
src/event/position.h:
src/relay/intake.h:
src/base/log.h:
src/event/setup.h:
src/base/conf.h:
src/relay/relay_conf.h:
