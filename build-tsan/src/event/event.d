build-tsan/src/event/event.o: src/event/event.c src/event/event.h \
 src/base/buf.h src/base/def.h src/base/err.h src/base/trace.h \
 src/event/position.h src/pg/pgoutput.h src/base/clock.h src/base/json.h \
 src/event/member.h src/event/setup.h src/base/conf.h
src/event/event.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/base/trace.h:
src/event/position.h:
src/pg/pgoutput.h:
src/base/clock.h:
src/base/json.h:
src/event/member.h:
src/event/setup.h:
src/base/conf.h:
