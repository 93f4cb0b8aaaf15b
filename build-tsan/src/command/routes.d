build-tsan/src/command/routes.o: src/command/routes.c \
 src/command/routes.h src/command/request.h src/base/httpd.h \
 src/base/buf.h src/base/def.h src/base/err.h src/base/json.h \
 src/domain/db.h src/event/position.h src/pg/direct.h src/pg/result.h
src/command/routes.h:
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
