build-tsan/src/consumer/view.o: src/consumer/view.c src/consumer/view.h \
 src/base/err.h src/base/def.h src/consumer/consumer_conf.h \
 src/base/conf.h src/base/buf.h
src/consumer/view.h:
src/base/err.h:
src/base/def.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/base/buf.h:
