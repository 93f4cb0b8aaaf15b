build-tsan/src/router/classify.o: src/router/classify.c \
 src/router/classify.h src/base/def.h src/router/ast.h
src/router/classify.h:
src/base/def.h:
src/router/ast.h:
