build-tsan/src/relay/window.o: src/relay/window.c src/relay/window.h \
 src/event/event.h src/base/buf.h src/base/def.h src/base/err.h \
 src/base/trace.h src/event/position.h src/pg/pgoutput.h
src/relay/window.h:
src/event/event.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/base/trace.h:
src/event/position.h:
src/pg/pgoutput.h:
