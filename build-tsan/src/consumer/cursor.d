build-tsan/src/consumer/cursor.o: src/consumer/cursor.c \
 src/consumer/cursor.h src/event/position.h src/base/def.h src/pg/conn.h \
 src/base/err.h src/base/rand.h src/pg/pipeline.h
src/consumer/cursor.h:
src/event/position.h:
src/base/def.h:
src/pg/conn.h:
src/base/err.h:
src/base/rand.h:
src/pg/pipeline.h:
