build-tsan/src/event/position.o: src/event/position.c \
 src/event/position.h src/base/def.h
src/event/position.h:
src/base/def.h:
