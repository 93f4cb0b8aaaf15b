build-tsan/src/consumer/chunk.o: src/consumer/chunk.c \
 src/consumer/chunk.h src/base/def.h
src/consumer/chunk.h:
src/base/def.h:
