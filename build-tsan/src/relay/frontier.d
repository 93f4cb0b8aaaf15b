build-tsan/src/relay/frontier.o: src/relay/frontier.c \
 src/relay/frontier.h src/event/position.h src/base/def.h
src/relay/frontier.h:
src/event/position.h:
src/base/def.h:
