build-tsan/src/relay/applied.o: src/relay/applied.c src/relay/claim.h \
 src/mq/link.h src/base/buf.h src/base/def.h src/base/err.h src/pg/conn.h \
 src/relay/forecast.h src/relay/registry.h src/event/position.h \
 src/pg/repl.h src/relay/gapless.h src/relay/relay_conf.h src/base/conf.h \
 src/relay/resume.h src/relay/session.h src/base/metric.h \
 src/relay/frontier.h src/relay/intake.h src/base/clock.h src/base/log.h \
 src/event/member.h src/event/setup.h src/mq/consume.h src/mq/topology.h
src/relay/claim.h:
src/mq/link.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/pg/conn.h:
src/relay/forecast.h:
src/relay/registry.h:
src/event/position.h:
src/pg/repl.h:
src/relay/gapless.h:
src/relay/relay_conf.h:
src/base/conf.h:
src/relay/resume.h:
src/relay/session.h:
src/base/metric.h:
src/relay/frontier.h:
src/relay/intake.h:
src/base/clock.h:
src/base/log.h:
src/event/member.h:
src/event/setup.h:
src/mq/consume.h:
src/mq/topology.h:
