build-tsan/src/relay/intake.o: src/relay/intake.c src/relay/intake.h \
 src/base/buf.h src/base/def.h
src/relay/intake.h:
src/base/buf.h:
src/base/def.h:
