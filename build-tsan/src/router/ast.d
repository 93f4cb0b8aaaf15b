build-tsan/src/router/ast.o: src/router/ast.c src/router/ast.h \
 src/router/classify.h src/base/def.h src/router/astwalk.h src/base/buf.h \
 src/router/jscan.h
src/router/ast.h:
src/router/classify.h:
src/base/def.h:
src/router/astwalk.h:
src/base/buf.h:
src/router/jscan.h:
