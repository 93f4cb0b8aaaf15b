build-tsan/src/ops/enroll.o: src/ops/enroll.c src/ops/enroll.h \
 src/base/buf.h src/base/def.h src/ops/captured.h src/base/err.h \
 src/pg/conn.h src/base/clock.h src/consumer/consumer_conf.h \
 src/base/conf.h src/event/setup.h src/ops/copier.h src/ops/copytable.h \
 src/ops/progress.h src/ops/snapshot.h src/event/position.h src/pg/repl.h
src/ops/enroll.h:
src/base/buf.h:
src/base/def.h:
src/ops/captured.h:
src/base/err.h:
src/pg/conn.h:
src/base/clock.h:
src/consumer/consumer_conf.h:
src/base/conf.h:
src/event/setup.h:
src/ops/copier.h:
src/ops/copytable.h:
src/ops/progress.h:
src/ops/snapshot.h:
src/event/position.h:
src/pg/repl.h:
