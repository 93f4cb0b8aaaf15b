build-tsan/src/pg/msg.o: src/pg/msg.c src/pg/msg.h src/base/buf.h \
 src/base/def.h
src/pg/msg.h:
src/base/buf.h:
src/base/def.h:
