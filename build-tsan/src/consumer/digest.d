build-tsan/src/consumer/digest.o: src/consumer/digest.c \
 src/consumer/digest.h src/base/buf.h src/base/def.h
src/consumer/digest.h:
src/base/buf.h:
src/base/def.h:
