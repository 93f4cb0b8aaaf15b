build-tsan/src/router/aststmt.o: src/router/aststmt.c \
 src/router/astwalk.h src/base/buf.h src/base/def.h src/router/ast.h \
 src/router/classify.h
src/router/astwalk.h:
src/base/buf.h:
src/base/def.h:
src/router/ast.h:
src/router/classify.h:
