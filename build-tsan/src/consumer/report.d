build-tsan/src/consumer/report.o: src/consumer/report.c \
 src/consumer/report.h src/event/position.h src/base/def.h \
 src/base/clock.h src/base/json.h src/base/buf.h src/base/log.h \
 src/base/rand.h src/mq/publish.h src/mq/link.h src/base/err.h
src/consumer/report.h:
src/event/position.h:
src/base/def.h:
src/base/clock.h:
src/base/json.h:
src/base/buf.h:
src/base/log.h:
src/base/rand.h:
src/mq/publish.h:
src/mq/link.h:
src/base/err.h:
