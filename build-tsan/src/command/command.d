build-tsan/src/command/command.o: src/command/command.c \
 src/command/command.h src/base/clock.h src/base/def.h src/base/daemon.h \
 src/base/log.h src/base/metric.h src/base/buf.h \
 src/command/command_conf.h src/base/conf.h src/base/err.h \
 src/command/idempotency.h src/command/request.h src/base/httpd.h \
 src/base/json.h src/domain/db.h src/event/position.h src/pg/direct.h \
 src/pg/result.h src/command/probe.h src/command/routes.h \
 src/command/slotpage.h
src/command/command.h:
src/base/clock.h:
src/base/def.h:
src/base/daemon.h:
src/base/log.h:
src/base/metric.h:
src/base/buf.h:
src/command/command_conf.h:
src/base/conf.h:
src/base/err.h:
src/command/idempotency.h:
src/command/request.h:
src/base/httpd.h:
src/base/json.h:
src/domain/db.h:
src/event/position.h:
src/pg/direct.h:
src/pg/result.h:
src/command/probe.h:
src/command/routes.h:
src/command/slotpage.h:
