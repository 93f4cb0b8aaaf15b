build-tsan/src/consumer/consumer_conf.o: src/consumer/consumer_conf.c \
 src/consumer/consumer_conf.h src/base/conf.h src/base/def.h \
 src/base/err.h
src/consumer/consumer_conf.h:
src/base/conf.h:
src/base/def.h:
src/base/err.h:
