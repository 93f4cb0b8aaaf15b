build-tsan/src/relay/assemble.o: src/relay/assemble.c \
 src/relay/assemble.h src/event/event.h src/base/buf.h src/base/def.h \
 src/base/err.h src/base/trace.h src/event/position.h src/pg/pgoutput.h \
 src/event/frame.h src/base/clock.h
src/relay/assemble.h:
src/event/event.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/base/trace.h:
src/event/position.h:
src/pg/pgoutput.h:
src/event/frame.h:
src/base/clock.h:
