build-tsan/src/relay/forecast.o: src/relay/forecast.c \
 src/relay/forecast.h src/base/def.h
src/relay/forecast.h:
src/base/def.h:
