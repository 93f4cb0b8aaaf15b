build-tsan/src/relay/relay.o: src/relay/relay.c src/relay/relay.h \
 src/base/clock.h src/base/def.h src/base/daemon.h src/base/httpd.h \
 src/base/buf.h src/base/err.h src/base/log.h src/base/rand.h \
 src/event/setup.h src/base/conf.h src/relay/claim.h src/mq/link.h \
 src/pg/conn.h src/relay/health.h src/relay/registry.h \
 src/event/position.h src/pg/repl.h src/relay/gapless.h \
 src/relay/relay_conf.h src/relay/resume.h src/relay/session.h \
 src/base/metric.h src/relay/frontier.h src/relay/intake.h
src/relay/relay.h:
src/base/clock.h:
src/base/def.h:
src/base/daemon.h:
src/base/httpd.h:
src/base/buf.h:
src/base/err.h:
src/base/log.h:
src/base/rand.h:
src/event/setup.h:
src/base/conf.h:
src/relay/claim.h:
src/mq/link.h:
src/pg/conn.h:
src/relay/health.h:
src/relay/registry.h:
src/event/position.h:
src/pg/repl.h:
src/relay/gapless.h:
src/relay/relay_conf.h:
src/relay/resume.h:
src/relay/session.h:
src/base/metric.h:
src/relay/frontier.h:
src/relay/intake.h:
