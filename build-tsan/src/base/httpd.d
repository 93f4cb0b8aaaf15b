build-tsan/src/base/httpd.o: src/base/httpd.c src/base/httpd.h \
 src/base/buf.h src/base/def.h src/base/err.h src/base/clock.h \
 src/base/metric.h
src/base/httpd.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/base/clock.h:
src/base/metric.h:
