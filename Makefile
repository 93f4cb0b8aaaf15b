# Parkway: the table of contents. Non-recursive; every source is listed, in reading order.
#
#   make            bin/parkway and bin/cqrs          make run     a private stack, set up from nothing
#   make test       every test that needs no docker   make stop    stop that stack (data stays)
#   make test-flow T='w2_events sessions'            only those tests of tests/list
#   make chaos      the fault matrix 20 times, and the other chaos tests at full length
#   make lint       style, layers, analysers          make bench   side by side with the peers
#   make format     clang-format over all sources
#   make install    to $(DESTDIR)$(PREFIX)            make clean / make distclean
#
# O=dir builds elsewhere, V=1 shows commands, SAN=address,undefined or SAN=thread adds sanitizers.

O      ?= build
B      ?= bin
PREFIX ?= /usr/local
CC     ?= gcc
Q      := $(if $(V),,@)

CPPFLAGS += -D_GNU_SOURCE -Isrc -I. $(if $(SAN),,-D_FORTIFY_SOURCE=2)
CPPFLAGS += -isystem /usr/include/postgresql
CFLAGS   ?= -O2 -g
CFLAGS   += -std=c11 -fPIE -fvisibility=hidden -fstack-protector-strong -pthread
CFLAGS   += -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wpointer-arith -Wwrite-strings -Wundef -Wformat=2 -Werror
CFLAGS   += $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
LDFLAGS  += -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(if $(SAN),-fsanitize=$(SAN))
LDLIBS   += -lpq -lrabbitmq -lconfig -lpg_query -luv -lmicrohttpd -ljansson -lcurl -lcrypto -lz -lm

BASE_SRC := src/base/def.c src/base/err.c src/base/buf.c src/base/clock.c src/base/log.c \
            src/base/json.c src/base/metric.c src/base/daemon.c src/base/conf.c src/base/beside.c src/base/utf8.c \
            src/base/rand.c src/base/hmac.c src/base/arena.c src/base/trace.c \
            src/base/jobs.c src/base/acceptor.c src/base/peers.c src/base/percent.c src/base/httpd_reply.c \
            src/base/httpd.c src/base/opspage.c
PG_SRC       := src/pg/ident.c src/pg/pgoutput.c src/pg/conn.c src/pg/pipeline.c src/pg/repl.c src/pg/dsn.c \
                src/pg/msg.c src/pg/scram.c src/pg/uri.c src/pg/result.c src/pg/direct.c
MQ_SRC       := src/mq/link.c src/mq/topology.c src/mq/publish.c src/mq/consume.c
EVENT_SRC    := src/event/setup.c src/event/position.c src/event/frame.c src/event/member.c \
                src/event/event.c src/event/pattern.c src/event/tail.c
ROUTER_SRC   := src/router/router_conf.c src/router/shape.c src/router/jscan.c src/router/ast.c \
                src/router/astwalk.c src/router/astnode.c src/router/aststmt.c \
                src/router/classify.c src/router/catalog.c src/router/catload.c \
                src/router/judge.c src/router/judge_scope.c src/router/look.c \
                src/router/look_relation.c src/router/cache.c \
                src/router/decide.c src/router/target.c src/router/users.c src/router/wire.c \
                src/router/stmt.c src/router/backend.c src/router/pool.c src/router/own.c \
                src/router/fresh.c src/router/cancel.c src/router/login.c src/router/unit.c \
                src/router/route.c src/router/tracing.c src/router/send.c src/router/answer.c src/router/local.c \
                src/router/vars.c src/router/session.c src/router/admin.c src/router/meter.c \
                src/router/worker.c src/router/listen.c src/router/router.c
RELAY_SRC    := src/relay/relay_conf.c src/relay/intake.c src/relay/assemble.c src/relay/window.c \
                src/relay/retry.c src/relay/gapless.c src/relay/ahead.c src/relay/release.c \
                src/relay/forecast.c src/relay/health.c src/relay/claim.c src/relay/roll.c \
                src/relay/frontier.c src/relay/registry.c src/relay/resume.c src/relay/origin.c \
                src/relay/pace.c src/relay/capture.c src/relay/emit.c src/relay/applied.c src/relay/relay.c
CONSUMER_SRC := src/consumer/consumer_conf.c src/consumer/chain.c src/consumer/plan.c \
                src/consumer/tally.c src/consumer/chunk.c src/consumer/start.c src/consumer/mirror.c src/consumer/receive.c src/consumer/report.c \
                src/consumer/relation.c src/consumer/notice.c src/consumer/layout.c src/consumer/reshape.c \
                src/consumer/alter.c src/consumer/sink.c src/consumer/statement.c src/consumer/batch.c \
                src/consumer/cursor.c src/consumer/park.c src/consumer/aside.c src/consumer/apply.c src/consumer/rowwise.c \
                src/consumer/reapply.c src/consumer/traced.c src/consumer/announce.c src/consumer/resync.c src/consumer/follow.c src/consumer/consumer.c
CONSUMER_SRC += src/consumer/view.c src/consumer/view_text.c src/consumer/view_check.c src/consumer/view_build.c
CONSUMER_SRC += src/consumer/suspect.c src/consumer/digest.c src/consumer/survey.c \
                src/consumer/settle.c src/consumer/compare.c src/consumer/seal.c src/consumer/repair.c \
                src/consumer/audit.c
DOMAIN_SRC   := src/domain/db.c src/domain/orderref.c src/domain/orderrow.c src/domain/money.c src/domain/instant.c src/domain/card.c \
                src/domain/parking.c src/domain/customer.c src/domain/address.c src/domain/user.c src/domain/restaurant.c \
                src/domain/menu.c src/domain/shop.c src/domain/shoplist.c src/domain/payment_conf.c src/domain/order.c \
                src/domain/orderview.c src/domain/history.c src/domain/ticket.c src/domain/kitchen.c src/domain/delivery.c \
                src/domain/mail_conf.c src/domain/mail.c src/domain/participants.c
COMMAND_SRC  := src/command/command_conf.c src/command/fields.c src/command/given.c src/command/request.c src/command/routes.c \
                src/command/idempotency.c src/command/probe.c src/command/listing.c src/command/slotpage.c \
                src/command/customerpage.c src/command/userpage.c src/command/menupage.c src/command/shoppage.c \
                src/command/orderbody.c src/command/orderpage.c src/command/simplepage.c src/command/historypage.c \
                src/command/workpage.c src/command/sagapage.c src/command/eventpage.c src/command/openapi.c src/command/command.c
SAGA_PURE    := src/saga/saga_conf.c src/saga/declaration_conf.c src/saga/declaration.c \
                src/saga/declaration_check.c src/saga/instance.c src/saga/saga_decide.c src/saga/saga_print.c
SAGA_SRC     := $(SAGA_PURE) src/saga/engine.c src/saga/missed.c src/saga/sagaworker.c src/saga/queue.c src/saga/books.c src/saga/saga.c
OPS_SRC      := src/ops/settings.c src/ops/routing.c src/ops/captured.c src/ops/account.c \
                src/ops/bootstrap_conf.c src/ops/snapshot.c src/ops/progress.c src/ops/copytable.c \
                src/ops/copier.c src/ops/enroll.c src/ops/schema.c src/ops/migrate_conf.c src/ops/migrate.c \
                src/ops/bootstrap.c src/ops/letters.c src/ops/status.c src/ops/dead.c src/ops/replica.c src/ops/parked.c src/ops/eventrows.c \
                src/ops/events.c src/ops/verify.c src/ops/mend.c src/ops/remirror.c src/ops/refill.c src/ops/replay.c

LIB_SRC  := $(BASE_SRC) $(PG_SRC) $(MQ_SRC) $(EVENT_SRC) $(ROUTER_SRC) $(RELAY_SRC) \
            $(CONSUMER_SRC) $(DOMAIN_SRC) $(COMMAND_SRC) $(SAGA_SRC) $(OPS_SRC)
MAIN_SRC := src/main.c
CLI_SRC  := cli/argline.c cli/present.c cli/slots.c cli/customers.c cli/orders.c cli/sagas.c cli/number.c cli/bar.c cli/seed.c \
            cli/storefront.c cli/reference.c cli/verbs.c cli/shell.c cli/cqrs.c

UNIT     := test_buf test_err test_conf test_json test_trace test_metric
UNIT     += test_position test_frontier test_pace test_assemble test_member test_pattern test_tail test_event test_window test_retry test_gapless test_health
UNIT     += test_origin test_roll
UNIT     += test_frame test_pgoutput test_chain test_plan test_batch test_mirror
UNIT     += test_utf8 test_uri test_dsn test_conn test_result test_direct test_parking test_routes test_argline test_present
UNIT     += test_orderref test_money test_instant test_card test_fields test_seed
UNIT     += test_shape test_jscan test_classify test_cache test_decide
UNIT     += test_msg test_scram test_fresh test_hmac
UNIT     += test_orderbody test_orderview
UNIT     += test_chunk test_progress
UNIT     += test_suspect test_digest test_reshape test_sink

UNIT     += test_view
UNIT     += test_declaration test_instance test_saga_decide test_saga_model test_mail
UNIT     += test_jobs test_acceptor test_percent test_httpd

LIB_OBJ  := $(LIB_SRC:%.c=$(O)/%.o)
MAIN_OBJ := $(MAIN_SRC:%.c=$(O)/%.o)
CLI_OBJ  := $(CLI_SRC:%.c=$(O)/%.o)
UNIT_BIN := $(UNIT:%=$(O)/tests/unit/%)

.PHONY: all run demo-orders shop-demo stop test chaos test-unit test-flow test-compose lint format bench fuzz sample install clean distclean
all: $(B)/parkway $(if $(CLI_SRC),$(B)/cqrs)

$(B)/parkway: $(MAIN_OBJ) $(LIB_OBJ)
	$(if $(Q),@echo "LD   $@")
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# From an archive: only what the CLI uses is linked, because every library it loads costs start-up time.
$(O)/libparkway.a: $(LIB_OBJ)
	$(if $(Q),@echo "AR   $@")
	@rm -f $@
	$(Q)ar rcs $@ $^

$(B)/cqrs: $(CLI_OBJ) $(O)/libparkway.a
	$(if $(Q),@echo "LD   $@")
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -ledit

$(O)/%.o: %.c
	$(if $(Q),@echo "CC   $<")
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# It has the document in it.
$(O)/src/command/openapi.o: conf/openapi.json

$(UNIT_BIN): $(O)/tests/unit/%: $(O)/tests/unit/%.o $(LIB_OBJ)
	$(if $(Q),@echo "LD   $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

# The tests of the CLI's own sources need these beside the library's.
$(O)/tests/unit/test_argline: $(O)/cli/argline.o
$(O)/tests/unit/test_present: $(O)/cli/present.o
$(O)/tests/unit/test_seed: $(addprefix $(O)/cli/,seed.o bar.o number.o)

run:
	@compose/packages
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@compose/stack start
	@compose/demo

# On the running stack: a food order from POST to COMPLETED; a shop with users, orders and updates.
demo-orders:
	@compose/demo-orders

shop-demo:
	@PARKWAY_CONFIG=$${PARKWAY_VAR:-var}/parkway.cfg $(B)/cqrs seed_shop --users=5 --seed=1
	@PARKWAY_CONFIG=$${PARKWAY_VAR:-var}/parkway.cfg $(B)/cqrs push_events 1 1000000000 --count=10 --interval_ms=200 --seed=1
	@PARKWAY_CONFIG=$${PARKWAY_VAR:-var}/parkway.cfg $(B)/cqrs order_details_mv

stop:
	@compose/stack stop

test-unit: $(UNIT_BIN)
	@tests/unit/run $(UNIT_BIN)

test:
	@tests/run

test-compose:
	@tests/compose/run

# Every chaos program at full length: hours.
chaos:
	@TEST_RUNS=20 TEST_ALARM_S=30 TEST_BEHIND=1000000 TEST_KILLS=100 TEST_BOUND_S=21600 \
	    tests/run -v $$(awk '/^chaos\// { print $$1 }' tests/list)

test-flow:
	@tests/run $(T)

lint:
	@tests/lint/run

format:
	@find src cli tests bench -name '*.[ch]' | xargs clang-format -i

$(O)/bench/lag: $(O)/bench/lag.o $(LIB_OBJ)
	$(if $(Q),@echo "LD   $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(O)/bench/classify: $(O)/bench/classify.o $(LIB_OBJ)
	$(if $(Q),@echo "LD   $@")
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

bench: all $(O)/bench/lag $(O)/bench/classify
	bench/run

# Fuzzing needs clang; FUZZ_S is the length of each target's run in seconds, FUZZ the targets. What was found
# interesting before is in tests/fuzz/corpus; a run's own finds stay in $(O)/fuzz.
FUZZ_S   ?= 120
FUZZ     ?= fuzz_classify fuzz_log fuzz_pgoutput fuzz_event fuzz_member fuzz_conf fuzz_sagas
FUZZ_BIN := $(FUZZ:%=$(O)/fuzz/%)
FUZZ_BASE := src/base/def.c src/base/buf.c src/base/arena.c
FUZZ_fuzz_classify := $(filter src/router/shape% src/router/jscan% src/router/ast% src/router/classify% \
                        src/router/catalog% src/router/judge% src/router/look%,$(ROUTER_SRC)) src/base/json.c
FUZZ_fuzz_log      := src/consumer/batch.c src/consumer/relation.c src/consumer/plan.c src/event/frame.c \
                      src/event/position.c src/pg/pgoutput.c src/base/err.c
FUZZ_fuzz_pgoutput := src/consumer/relation.c src/consumer/plan.c src/pg/pgoutput.c src/base/err.c
FUZZ_fuzz_event    := src/event/event.c src/event/member.c src/event/position.c src/pg/pgoutput.c \
                      src/base/clock.c src/base/err.c src/base/json.c src/base/trace.c
FUZZ_fuzz_member   := src/event/member.c src/base/json.c
FUZZ_fuzz_conf     := src/base/conf.c src/base/err.c src/event/setup.c
FUZZ_fuzz_sagas    := $(SAGA_PURE) src/base/conf.c src/base/err.c src/base/beside.c
FUZZ_FLAGS_fuzz_classify := -max_len=600 -dict=$(CURDIR)/tests/fuzz/sql.dict
# libconfig itself loses a string that is not closed
FUZZ_ENV_fuzz_conf       := ASAN_OPTIONS=detect_leaks=0
FUZZ_ENV_fuzz_sagas      := ASAN_OPTIONS=detect_leaks=0
FUZZ_FLAGS_fuzz_conf     := -max_len=2000 -dict=$(CURDIR)/tests/fuzz/conf.dict
FUZZ_FLAGS_fuzz_sagas    := -max_len=6000 -dict=$(CURDIR)/tests/fuzz/sagas.dict

$(FUZZ_BIN): $(O)/fuzz/%: tests/fuzz/%.c $(LIB_SRC) tests/unit/catalog_fixture.h
	$(if $(Q),@echo "FUZZ $@")
	@mkdir -p $(@D)
	$(Q)clang -std=c11 -D_GNU_SOURCE -Isrc -g -O1 -fsanitize=fuzzer,address,undefined \
	    -fno-sanitize-recover=undefined -o $@ $< $(FUZZ_$*) $(FUZZ_BASE) \
	    -lpg_query -lconfig -ljansson -lz -pthread

fuzz: $(FUZZ_BIN)
	@for t in $(FUZZ); do $(MAKE) -s fuzz-$$t || exit 1; done

fuzz-%: $(O)/fuzz/%
	@mkdir -p $(O)/fuzz/corpus/$*
	@mkdir -p tests/fuzz/corpus/$*
	cd $(O)/fuzz && $(FUZZ_ENV_$*) ./$* -max_len=4000 $(FUZZ_FLAGS_$*) -max_total_time=$(FUZZ_S) -print_final_stats=1 \
	    -close_fd_mask=1 corpus/$* $(CURDIR)/tests/fuzz/corpus/$*

# The sample configuration is what the program prints; make lint compares the two.
sample: $(B)/parkway
	@env -i $< --print-config=defaults >conf/parkway.cfg

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/parkway $(DESTDIR)/etc/parkway
	install -m 755 $(wildcard $(B)/parkway $(B)/cqrs) $(DESTDIR)$(PREFIX)/bin
	cp -R sql $(DESTDIR)$(PREFIX)/share/parkway/
	install -d $(DESTDIR)$(PREFIX)/share/parkway/conf
	install -m 644 conf/sagas.cfg conf/orders.cfg conf/reference.json $(DESTDIR)$(PREFIX)/share/parkway/conf
	test -e $(DESTDIR)/etc/parkway/parkway.cfg || \
	    install -m 640 conf/parkway.cfg $(DESTDIR)/etc/parkway/parkway.cfg

clean:
	rm -rf $(O) $(B)

distclean: clean
	@compose/stack remove

-include $(LIB_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(UNIT_BIN:=.d) $(O)/bench/lag.d $(O)/bench/classify.d
