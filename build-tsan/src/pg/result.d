build-tsan/src/pg/result.o: src/pg/result.c src/pg/result.h \
 src/base/buf.h src/base/def.h src/pg/msg.h
src/pg/result.h:
src/base/buf.h:
src/base/def.h:
src/pg/msg.h:
