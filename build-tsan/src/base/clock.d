build-tsan/src/base/clock.o: src/base/clock.c src/base/clock.h \
 src/base/def.h
src/base/clock.h:
src/base/def.h:
