build-tsan/src/command/slotpage.o: src/command/slotpage.c \
 src/command/slotpage.h src/command/request.h src/base/httpd.h \
 src/base/buf.h src/base/def.h src/base/err.h src/base/json.h \
 src/domain/db.h src/event/position.h src/pg/direct.h src/pg/result.h \
 src/command/body.h src/command/idempotency.h src/domain/parking.h \
 src/base/rand.h
src/command/slotpage.h:
src/command/request.h:
src/base/httpd.h:
src/base/buf.h:
src/base/def.h:
src/base/err.h:
src/base/json.h:
src/domain/db.h:
src/event/position.h:
src/pg/direct.h:
src/pg/result.h:
src/command/body.h:
src/command/idempotency.h:
src/domain/parking.h:
src/base/rand.h:
