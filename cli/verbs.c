/* verbs.c - see verbs.h. */
#include "cli/verbs.h"

#include "cli/customers.h"
#include "cli/reference.h"
#include "cli/orders.h"
#include "cli/sagas.h"
#include "cli/seed.h"
#include "cli/slots.h"
#include "cli/storefront.h"

#include <stdio.h>

static const struct argline_param create_params[] = {
    {"name", true, "NAME", "what people call the slot"},
    {"status", false, "STATUS", "available (default), blocked or reserved"},
};
static const struct argline_param details_params[] = {
    {"uuid", true, "UUID", "the slot"},
};
static const struct argline_param update_params[] = {
    {"uuid", true, "UUID", "the slot"},
    {"name", false, "NAME", "its new name"},
    {"status", false, "STATUS", "its new status: available, blocked or reserved"},
};
static const struct argline_param create_customer_params[] = {
    {"username", true, "NAME", "the name to log in with; nobody else has it"},
    {"first_name", true, "NAME", "first name"},
    {"last_name", true, "NAME", "last name"},
    {"uuid", false, "UUID", "the customer's; drawn when it is not given"},
    {"email", false, "ADDRESS", "nobody else has it"},
    {"phone", false, "NUMBER", "telephone number"},
};
static const struct argline_param customer_params[] = {
    {"customer", true, "CUSTOMER", "number or uuid"},
};
static const struct argline_param update_customer_params[] = {
    {"customer", true, "CUSTOMER", "number or uuid"},
    {"username", false, "NAME", "the name to log in with"},
    {"first_name", false, "NAME", "first name"},
    {"last_name", false, "NAME", "last name"},
    {"email", false, "ADDRESS", "e-mail address"},
    {"phone", false, "NUMBER", "telephone number"},
};
static const struct argline_param create_order_params[] = {
    {"file", true, "FILE", "the order, as the body of POST /order"},
};
static const struct argline_param one_order_params[] = {
    {"order", true, "ORDER", "number, public id (ORD-…) or tracking id"},
};
static const struct argline_param order_work_params[] = {
    {"order", false, "ORDER",
     "number, public id or tracking id; whatever is due when not given"},
};
static const struct argline_param order_history_params[] = {
    {"order", false, "ORDER", "number, public id or tracking id; all when not given"},
    {"state", false, "STATE", "only those in this state: PENDING, ACCEPTED, …"},
};

static const struct argline_param saga_list_params[] = {
    {"status", false, "STATUS",
     "only those: SCHEDULED, STARTED, PROCESSING, SUCCEEDED, "
     "COMPENSATING, COMPENSATED or FAILED"},
};
static const struct argline_param saga_params[] = {
    {"order", true, "ORDER", "number, public id or tracking id of the order, or the saga's id"},
};

static const struct argline_param order_params[] = {
    {"order", false, "ORDER", "number, public id (ORD-…) or tracking id; without it: all"},
};
static const struct argline_param seed_shop_params[] = {
    {"users", false, "N", "how many users; 20 when it is not given"},
    {"max_orders", false, "N", "a user has from 1 to so many orders; 3"},
    {"max_items", false, "N", "an order has from 1 to so many items; 2"},
    {"seed", false, "N", "the same number makes the same shop; 1"},
};
static const struct argline_param push_events_params[] = {
    {"start", true, "ORDER", "the first order's number"},
    {"end", true, "ORDER", "the number behind the last order's"},
    {"count", false, "N", "stop after so many updates"},
    {"interval_ms", false, "MS", "wait between two updates; 1000"},
    {"seed", false, "N", "the same number picks the orders in the same turn; 1"},
};
static const struct argline_param drop_data_params[] = {
    {"yes", false, NULL, "do not ask"},
};
static const struct argline_param load_reference_params[] = {
    {"file", false, "FILE", "JSON; conf/reference.json when it is not given"},
};

const struct verb verbs[] = {
    {"create_parking_slot", "create a slot; shows the replica's row", create_params,
     ARRAY_LEN(create_params), slots_create},
    {"parking_slot_list", "every slot, one JSON object a line", NULL, 0, slots_list},
    {"parking_slot_details", "one slot", details_params, ARRAY_LEN(details_params),
     slots_details},
    {"update_parking_slot", "change a slot's name or status", update_params,
     ARRAY_LEN(update_params), slots_update},
    {"create_customer", "create a customer", create_customer_params,
     ARRAY_LEN(create_customer_params), customers_create},
    {"customer_list", "every customer, one JSON object a line", NULL, 0, customers_list},
    {"customer_details", "one customer", customer_params, ARRAY_LEN(customer_params),
     customers_details},
    {"update_customer", "change what is given of a customer", update_customer_params,
     ARRAY_LEN(update_customer_params), customers_update},
    {"create_order", "order food", create_order_params, ARRAY_LEN(create_order_params),
     orders_create},
    {"command", "make a simple order", NULL, 0, orders_request},
    {"order_list", "every order, one JSON object a line", NULL, 0, orders_list},
    {"order_details", "one order", one_order_params, ARRAY_LEN(one_order_params),
     orders_details},
    {"cancel_order", "cancel an order that is PENDING or ACCEPTED", one_order_params,
     ARRAY_LEN(one_order_params), orders_cancel},
    {"order_history", "what became of food orders, one JSON object a line",
     order_history_params, ARRAY_LEN(order_history_params), orders_history},
    {"order_document", "the facts of one order, merged", one_order_params,
     ARRAY_LEN(one_order_params), orders_document},
    {"kitchen_ready", "the oldest food in preparation, or an order's, is ready",
     order_work_params, ARRAY_LEN(order_work_params), orders_ready},
    {"delivery_pickedup", "what is ready, or an order, is picked up", order_work_params,
     ARRAY_LEN(order_work_params), orders_picked_up},
    {"delivery_complete", "what was picked up, or an order, is delivered", order_work_params,
     ARRAY_LEN(order_work_params), orders_delivered},
    {"saga_list", "the sagas, one JSON object a line", saga_list_params,
     ARRAY_LEN(saga_list_params), sagas_list},
    {"saga_details", "one saga", saga_params, ARRAY_LEN(saga_params), sagas_details},
    {"saga_log", "what happened to one saga, one JSON object a line", saga_params,
     ARRAY_LEN(saga_params), sagas_log},
    {"saga_pause", "no further step of it until it is resumed", saga_params,
     ARRAY_LEN(saga_params), sagas_pause},
    {"saga_resume", "it goes on", saga_params, ARRAY_LEN(saga_params), sagas_resume},
    {"saga_retry", "a FAILED one tries its step again", saga_params, ARRAY_LEN(saga_params),
     sagas_retry},
    {"order_details_mv",
     "orders with their user, items and newest update, one JSON object a line", order_params,
     ARRAY_LEN(order_params), storefront_details_mv},
    {"seed_shop", "make users with addresses and orders", seed_shop_params,
     ARRAY_LEN(seed_shop_params), seed_shop},
    {"push_events", "advance unfinished orders of the shop, step by step", push_events_params,
     ARRAY_LEN(push_events_params), storefront_push_events},
    {"drop_data", "delete the shop's users, addresses and orders", drop_data_params,
     ARRAY_LEN(drop_data_params), storefront_drop_data},
    {"load_reference",
     "what a fresh installation sells, and to whom; what is there already stays",
     load_reference_params, ARRAY_LEN(load_reference_params), reference_load},
};
const size_t verbs_count = ARRAY_LEN(verbs);

const struct verb *verbs_find(struct str name)
{
    for (size_t i = 0; i < verbs_count; i++) {
        if (argline_same(name, str_of(verbs[i].name))) {
            return &verbs[i];
        }
    }
    return NULL;
}

static void help_usage(struct buf *out, const struct verb *v)
{
    buf_addf(out, "  %s", v->name);
    for (size_t i = 0; i < v->param_count; i++) {
        const struct argline_param *p = &v->params[i];
        if (p->value == NULL) {
            buf_addf(out, " [--%s]", p->name);
        } else {
            buf_addf(out, p->required ? " --%s=%s" : " [--%s=%s]", p->name, p->value);
        }
    }
    buf_adds(out, "\n");
}

static void help_verb(struct buf *out, const struct verb *v)
{
    help_usage(out, v);
    buf_addf(out, "      %s\n", v->summary);
    for (size_t i = 0; i < v->param_count; i++) {
        buf_addf(out, "      --%-8s %s\n", v->params[i].name, v->params[i].meaning);
    }
}

void verbs_help(struct buf *out)
{
    buf_adds(out,
             "usage: cqrs [-c FILE] [--json] [COMMAND [ARGUMENTS]]\n\n"
             "Without a command: interactive. Values as --name=value, --name value, or in the "
             "order shown.\n\n");
    for (size_t i = 0; i < verbs_count; i++) {
        help_usage(out, &verbs[i]);
        buf_addf(out, "      %s\n", verbs[i].summary);
    }
    buf_adds(
        out,
        "  help [COMMAND]\n"
        "      this list, or more about one command\n"
        "  exit, quit\n"
        "      leave the interactive mode\n\n"
        "  --json   results as JSON, one object a line\n\n"
        "exit status: 0 ok, 1 failure, 2 usage or invalid value, 3 not found, 4 conflict,\n"
        "             5 database or broker unavailable, 6 timeout\n");
}

static int help_for(struct buf *out, const struct str *words, size_t count, struct err *e)
{
    if (count == 0) {
        verbs_help(out);
        return 0;
    }
    const struct verb *v = verbs_find(words[0]);
    if (v == NULL) {
        return err_set(e, ERR_USAGE, "unknown command \"%.*s\"; help lists them",
                       STR_ARG(words[0]));
    }
    help_verb(out, v);
    return 0;
}

static int run(struct cli *cli, const struct str *words, size_t count, struct err *e)
{
    if (argline_same(words[0], STR("help"))) {
        return help_for(&cli->out, words + 1, count - 1, e);
    }
    const struct verb *v = verbs_find(words[0]);
    if (v == NULL) {
        return help_for(&cli->out, words, 1, e);
    }
    struct argline_values values;
    int rc = argline_bind(v->params, v->param_count, words + 1, count - 1, &values, e);
    if (rc != 0) {
        return err_add(e, "%s", v->name);
    }
    if (values.help) {
        help_verb(&cli->out, v);
        return 0;
    }
    bool json = cli->json;
    cli->json = json || values.json;
    rc = v->run(cli, &values, e);
    cli->json = json;
    return rc;
}

int verbs_run(struct cli *cli, const struct str *words, size_t count)
{
    struct err e = ERR_INIT;
    buf_reset(&cli->out);
    int rc = run(cli, words, count, &e);
    struct str out = buf_str(&cli->out);
    if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0) {
        rc = err_set(&e, ERR_FAIL, "could not write the result");
    }
    buf_shrink(&cli->out, 1 << 20);
    if (rc != 0) {
        fprintf(stderr, "error: %s\n", e.text);
    }
    return err_exit(rc);
}
