build-tsan/src/base/trace.o: src/base/trace.c src/base/trace.h \
 src/base/def.h
src/base/trace.h:
src/base/def.h:
