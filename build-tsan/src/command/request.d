build-tsan/src/command/request.o: src/command/request.c \
 src/command/request.h src/base/httpd.h src/base/buf.h src/base/def.h \
 src/base/err.h src/base/json.h src/domain/db.h src/event/position.h \
 src/pg/direct.h src/pg/result.h src/base/log.h src/base/utf8.h
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
src/base/log.h:
src/base/utf8.h:
