build-tsan/src/main.o: src/main.c src/base/err.h src/base/def.h \
 src/base/log.h src/command/command.h src/consumer/consumer.h \
 src/ops/ops.h src/ops/settings.h src/base/buf.h src/base/err.h \
 src/relay/relay.h src/router/router.h
src/base/err.h:
src/base/def.h:
src/base/log.h:
src/command/command.h:
src/consumer/consumer.h:
src/ops/ops.h:
src/ops/settings.h:
src/base/buf.h:
src/base/err.h:
src/relay/relay.h:
src/router/router.h:
