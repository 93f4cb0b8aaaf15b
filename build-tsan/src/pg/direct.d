build-tsan/src/pg/direct.o: src/pg/direct.c src/pg/direct.h \
 src/base/err.h src/base/def.h src/pg/result.h src/base/buf.h \
 src/base/clock.h src/pg/msg.h src/pg/scram.h src/pg/uri.h
src/pg/direct.h:
src/base/err.h:
src/base/def.h:
src/pg/result.h:
src/base/buf.h:
src/base/clock.h:
src/pg/msg.h:
src/pg/scram.h:
src/pg/uri.h:
