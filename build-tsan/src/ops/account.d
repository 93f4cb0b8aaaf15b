build-tsan/src/ops/account.o: src/ops/account.c src/ops/account.h \
 src/ops/captured.h src/base/err.h src/base/def.h src/pg/conn.h \
 src/base/buf.h
src/ops/account.h:
src/ops/captured.h:
src/base/err.h:
src/base/def.h:
src/pg/conn.h:
src/base/buf.h:
