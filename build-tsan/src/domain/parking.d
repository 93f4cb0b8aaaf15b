build-tsan/src/domain/parking.o: src/domain/parking.c \
 src/domain/parking.h src/base/rand.h src/base/def.h src/domain/db.h \
 src/base/err.h src/event/position.h src/pg/direct.h src/pg/result.h \
 src/base/buf.h src/base/clock.h src/base/utf8.h
src/domain/parking.h:
src/base/rand.h:
src/base/def.h:
src/domain/db.h:
src/base/err.h:
src/event/position.h:
src/pg/direct.h:
src/pg/result.h:
src/base/buf.h:
src/base/clock.h:
src/base/utf8.h:
