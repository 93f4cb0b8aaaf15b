build-tsan/src/base/daemon.o: src/base/daemon.c src/base/daemon.h \
 src/base/def.h src/base/clock.h
src/base/daemon.h:
src/base/def.h:
src/base/clock.h:
