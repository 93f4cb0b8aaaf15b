build-tsan/src/ops/copier.o: src/ops/copier.c src/ops/copier.h \
 src/ops/copytable.h src/base/buf.h src/base/def.h src/ops/captured.h \
 src/base/err.h src/pg/conn.h src/ops/progress.h src/ops/snapshot.h \
 src/event/position.h src/pg/repl.h src/base/clock.h \
 src/ops/bootstrap_conf.h src/base/conf.h src/pg/pipeline.h
src/ops/copier.h:
src/ops/copytable.h:
src/base/buf.h:
src/base/def.h:
src/ops/captured.h:
src/base/err.h:
src/pg/conn.h:
src/ops/progress.h:
src/ops/snapshot.h:
src/event/position.h:
src/pg/repl.h:
src/base/clock.h:
src/ops/bootstrap_conf.h:
src/base/conf.h:
src/pg/pipeline.h:
