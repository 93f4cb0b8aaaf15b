build-tsan/src/ops/settings.o: src/ops/settings.c src/ops/settings.h \
 src/base/buf.h src/base/def.h src/base/err.h src/base/conf.h \
 src/base/log.h src/command/command_conf.h src/consumer/consumer_conf.h \
 src/event/setup.h src/ops/bootstrap_conf.h src/ops/migrate_conf.h \
 src/relay/relay_conf.h src/router/router_conf.h
src/ops/settings.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/base/conf.h:
src/base/log.h:
src/command/command_conf.h:
src/consumer/consumer_conf.h:
src/event/setup.h:
src/ops/bootstrap_conf.h:
src/ops/migrate_conf.h:
src/relay/relay_conf.h:
src/router/router_conf.h:
