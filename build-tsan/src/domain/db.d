build-tsan/src/domain/db.o: src/domain/db.c src/domain/db.h \
 src/base/err.h src/base/def.h src/event/position.h src/pg/direct.h \
 src/pg/result.h src/base/buf.h
src/domain/db.h:
src/base/err.h:
src/base/def.h:
src/event/position.h:
src/pg/direct.h:
src/pg/result.h:
src/base/buf.h:
