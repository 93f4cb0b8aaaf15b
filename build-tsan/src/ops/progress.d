build-tsan/src/ops/progress.o: src/ops/progress.c src/ops/progress.h \
 src/base/buf.h src/base/def.h src/base/json.h
src/ops/progress.h:
src/base/buf.h:
src/base/def.h:
src/base/json.h:
