build-tsan/src/router/target.o: src/router/target.c src/router/target.h \
 src/base/err.h src/base/def.h src/event/setup.h src/base/conf.h \
 src/pg/dsn.h src/router/router_conf.h
src/router/target.h:
src/base/err.h:
src/base/def.h:
src/event/setup.h:
src/base/conf.h:
src/pg/dsn.h:
src/router/router_conf.h:
