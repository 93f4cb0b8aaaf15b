build-tsan/src/event/frame.o: src/event/frame.c src/event/frame.h \
 src/base/buf.h src/base/def.h src/base/err.h src/event/position.h
src/event/frame.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/event/position.h:
