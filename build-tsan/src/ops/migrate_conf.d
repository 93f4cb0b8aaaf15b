build-tsan/src/ops/migrate_conf.o: src/ops/migrate_conf.c \
 src/ops/migrate_conf.h src/base/conf.h src/base/def.h src/base/err.h
src/ops/migrate_conf.h:
src/base/conf.h:
src/base/def.h:
src/base/err.h:
