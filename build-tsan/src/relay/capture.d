build-tsan/src/relay/capture.o: src/relay/capture.c src/relay/pace.h \
 src/base/def.h src/relay/session.h src/base/metric.h src/base/buf.h \
 src/mq/link.h src/base/err.h src/pg/conn.h src/pg/repl.h \
 src/relay/frontier.h src/event/position.h src/relay/intake.h \
 src/base/clock.h src/pg/pgoutput.h
src/relay/pace.h:
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
src/base/clock.h:
src/pg/pgoutput.h:
