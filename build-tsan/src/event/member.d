build-tsan/src/event/member.o: src/event/member.c src/event/member.h \
 src/base/buf.h src/base/def.h src/base/json.h
src/event/member.h:
src/base/buf.h:
src/base/def.h:
src/base/json.h:
