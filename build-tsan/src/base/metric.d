build-tsan/src/base/metric.o: src/base/metric.c src/base/metric.h \
 src/base/buf.h src/base/def.h
src/base/metric.h:
src/base/buf.h:
src/base/def.h:
