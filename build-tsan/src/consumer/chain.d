build-tsan/src/consumer/chain.o: src/consumer/chain.c \
 src/consumer/chain.h src/event/frame.h src/base/buf.h src/base/def.h \
 src/base/err.h src/event/position.h
src/consumer/chain.h:
src/event/frame.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/event/position.h:
