build-tsan/src/router/jscan.o: src/router/jscan.c src/router/jscan.h \
 src/base/buf.h src/base/def.h
src/router/jscan.h:
src/base/buf.h:
src/base/def.h:
