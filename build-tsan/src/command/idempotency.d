build-tsan/src/command/idempotency.o: src/command/idempotency.c \
 src/command/idempotency.h src/command/request.h src/base/httpd.h \
 src/base/buf.h src/base/def.h src/base/err.h src/base/json.h \
 src/domain/db.h src/event/position.h src/pg/direct.h src/pg/result.h
src/command/idempotency.h:
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
