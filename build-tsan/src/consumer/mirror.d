build-tsan/src/consumer/mirror.o: src/consumer/mirror.c \
 src/consumer/mirror.h src/base/err.h src/base/def.h \
 src/consumer/consumer_conf.h src/base/conf.h
src/consumer/mirror.h:
src/base/err.h:
src/base/def.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
