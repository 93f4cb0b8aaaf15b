build-tsan/src/router/astwalk.o: src/router/astwalk.c \
 src/router/astwalk.h src/base/buf.h src/base/def.h src/router/ast.h \
 src/router/classify.h src/base/json.h src/router/jscan.h
src/router/astwalk.h:
src/base/buf.h:
src/base/def.h:
src/router/ast.h:
src/router/classify.h:
src/base/json.h:
src/router/jscan.h:
