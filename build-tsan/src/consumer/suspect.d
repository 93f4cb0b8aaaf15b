build-tsan/src/consumer/suspect.o: src/consumer/suspect.c \
 src/consumer/suspect.h src/base/def.h
src/consumer/suspect.h:
src/base/def.h:
