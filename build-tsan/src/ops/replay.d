build-tsan/src/ops/replay.o: src/ops/replay.c src/base/daemon.h \
 src/base/def.h src/base/err.h src/consumer/consumer_conf.h \
 src/base/conf.h src/consumer/view_build.h src/consumer/view_check.h \
 src/consumer/mirror.h src/consumer/view_text.h src/base/buf.h \
 src/consumer/view.h src/pg/conn.h src/event/setup.h src/ops/ops.h \
 src/ops/remirror.h src/ops/captured.h
src/base/daemon.h:
src/base/def.h:
src/base/err.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/consumer/view_build.h:
src/consumer/view_check.h:
src/consumer/mirror.h:
src/consumer/view_text.h:
src/base/buf.h:
src/consumer/view.h:
src/pg/conn.h:
src/event/setup.h:
src/ops/ops.h:
src/ops/remirror.h:
src/ops/captured.h:
