build-tsan/src/consumer/view_check.o: src/consumer/view_check.c \
 src/consumer/view_check.h src/consumer/mirror.h src/base/err.h \
 src/base/def.h src/consumer/consumer_conf.h src/base/conf.h \
 src/consumer/view_text.h src/base/buf.h src/consumer/view.h \
 src/pg/conn.h
src/consumer/view_check.h:
src/consumer/mirror.h:
src/base/err.h:
src/base/def.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/consumer/view_text.h:
src/base/buf.h:
src/consumer/view.h:
src/pg/conn.h:
