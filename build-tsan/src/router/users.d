build-tsan/src/router/users.o: src/router/users.c src/router/users.h \
 src/base/err.h src/base/def.h src/pg/scram.h src/base/buf.h \
 src/base/clock.h src/base/log.h src/base/rand.h
src/router/users.h:
src/base/err.h:
src/base/def.h:
src/pg/scram.h:
src/base/buf.h:
src/base/clock.h:
src/base/log.h:
src/base/rand.h:
