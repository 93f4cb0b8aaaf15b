build-tsan/src/relay/emit.o: src/relay/emit.c src/relay/assemble.h \
 src/event/event.h src/base/buf.h src/base/def.h src/base/err.h \
 src/base/trace.h src/event/position.h src/pg/pgoutput.h \
 src/event/frame.h src/relay/relay_conf.h src/base/conf.h \
 src/relay/release.h src/relay/ahead.h src/relay/session.h \
 src/base/metric.h src/mq/link.h src/pg/conn.h src/pg/repl.h \
 src/relay/frontier.h src/relay/intake.h src/relay/retry.h \
 src/relay/window.h src/base/clock.h src/base/log.h src/event/setup.h \
 src/mq/publish.h
src/relay/assemble.h:
src/event/event.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/base/trace.h:
src/event/position.h:
src/pg/pgoutput.h:
src/event/frame.h:
src/relay/relay_conf.h:
src/base/conf.h:
src/relay/release.h:
src/relay/ahead.h:
src/relay/session.h:
src/base/metric.h:
src/mq/link.h:
src/pg/conn.h:
src/pg/repl.h:
src/relay/frontier.h:
src/relay/intake.h:
src/relay/retry.h:
src/relay/window.h:
src/base/clock.h:
src/base/log.h:
src/event/setup.h:
src/mq/publish.h:
