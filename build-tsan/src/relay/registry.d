build-tsan/src/relay/registry.o: src/relay/registry.c \
 src/relay/registry.h src/event/position.h src/base/def.h src/pg/conn.h \
 src/base/err.h src/pg/repl.h src/base/buf.h src/relay/gapless.h \
 src/base/log.h src/base/rand.h src/event/setup.h src/base/conf.h
src/relay/registry.h:
src/event/position.h:
src/base/def.h:
src/pg/conn.h:
src/base/err.h:
src/pg/repl.h:
src/base/buf.h:
src/relay/gapless.h:
src/base/log.h:
src/base/rand.h:
src/event/setup.h:
src/base/conf.h:
