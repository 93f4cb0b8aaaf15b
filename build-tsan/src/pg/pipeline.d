build-tsan/src/pg/pipeline.o: src/pg/pipeline.c src/pg/pipeline.h \
 src/pg/conn.h src/base/def.h src/base/err.h
src/pg/pipeline.h:
src/pg/conn.h:
src/base/def.h:
src/base/err.h:
