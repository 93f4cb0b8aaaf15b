build-tsan/src/consumer/plan.o: src/consumer/plan.c src/consumer/plan.h \
 src/base/arena.h src/base/def.h
src/consumer/plan.h:
src/base/arena.h:
src/base/def.h:
