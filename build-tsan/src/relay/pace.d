build-tsan/src/relay/pace.o: src/relay/pace.c src/relay/pace.h \
 src/base/def.h
src/relay/pace.h:
src/base/def.h:
