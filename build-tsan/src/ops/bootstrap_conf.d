build-tsan/src/ops/bootstrap_conf.o: src/ops/bootstrap_conf.c \
 src/ops/bootstrap_conf.h src/base/conf.h src/base/def.h src/base/err.h
src/ops/bootstrap_conf.h:
src/base/conf.h:
src/base/def.h:
src/base/err.h:
