build-tsan/src/consumer/view_text.o: src/consumer/view_text.c \
 src/consumer/view_text.h src/base/buf.h src/base/def.h \
 src/consumer/view.h src/base/err.h src/consumer/consumer_conf.h \
 src/base/conf.h
src/consumer/view_text.h:
src/base/buf.h:
src/base/def.h:
src/consumer/view.h:
src/base/err.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
