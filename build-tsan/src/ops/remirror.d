build-tsan/src/ops/remirror.o: src/ops/remirror.c src/ops/remirror.h \
 src/ops/captured.h src/base/err.h src/base/def.h src/pg/conn.h \
 src/base/buf.h src/base/clock.h src/base/daemon.h \
 src/consumer/view_build.h src/consumer/view_check.h \
 src/consumer/mirror.h src/consumer/consumer_conf.h src/base/conf.h \
 src/consumer/view_text.h src/consumer/view.h src/event/position.h \
 src/event/setup.h src/ops/copier.h src/ops/copytable.h \
 src/ops/progress.h src/ops/snapshot.h src/pg/repl.h
src/ops/remirror.h:
src/ops/captured.h:
src/base/err.h:
src/base/def.h:
src/pg/conn.h:
src/base/buf.h:
src/base/clock.h:
src/base/daemon.h:
src/consumer/view_build.h:
src/consumer/view_check.h:
src/consumer/mirror.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/consumer/view_text.h:
src/consumer/view.h:
src/event/position.h:
src/event/setup.h:
src/ops/copier.h:
src/ops/copytable.h:
src/ops/progress.h:
src/ops/snapshot.h:
src/pg/repl.h:
