build-tsan/src/command/body.o: src/command/body.c src/command/body.h \
 src/base/err.h src/base/def.h
src/command/body.h:
src/base/err.h:
src/base/def.h:
