build-tsan/src/router/astnode.o: src/router/astnode.c \
 src/router/astwalk.h src/base/buf.h src/base/def.h src/router/ast.h \
 src/router/classify.h
src/router/astwalk.h:
src/base/buf.h:
src/base/def.h:
src/router/ast.h:
src/router/classify.h:
