build-tsan/src/event/setup.o: src/event/setup.c src/event/setup.h \
 src/base/conf.h src/base/def.h src/base/err.h
src/event/setup.h:
src/base/conf.h:
src/base/def.h:
src/base/err.h:
