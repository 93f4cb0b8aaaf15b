build-tsan/src/event/pattern.o: src/event/pattern.c src/event/pattern.h \
 src/base/def.h
src/event/pattern.h:
src/base/def.h:
