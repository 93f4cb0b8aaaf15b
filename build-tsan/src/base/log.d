build-tsan/src/base/log.o: src/base/log.c src/base/log.h src/base/def.h \
 src/base/clock.h
src/base/log.h:
src/base/def.h:
src/base/clock.h:
