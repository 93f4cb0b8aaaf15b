/* saga_conf.c - see saga_conf.h. */
#include "saga/saga_conf.h"

#include "base/beside.h"

static struct saga_conf values;

const struct saga_conf *saga_conf(void)
{
    return &values;
}

static const struct conf_key keys[] = {
    {.name = "file",
     .type = CONF_STRING,
     .offset = offsetof(struct saga_conf, file),
     .unit = "",
     .initial = "sagas.cfg",
     .sentence = "The declarations of the sagas; looked for beside this file, then in conf/."},
    {.name = "url",
     .type = CONF_STRING,
     .offset = offsetof(struct saga_conf, url),
     .unit = "",
     .initial = "",
     .sentence = "The router with the application's login; empty: cqrs on this configuration's "
                 "router."},
    {.name = "queue",
     .type = CONF_STRING,
     .offset = offsetof(struct saga_conf, queue),
     .unit = "",
     .initial = "order-reply",
     .sentence = "The queue on which the engine hears of events."},
    {.name = "http_port",
     .type = CONF_INT,
     .offset = offsetof(struct saga_conf, http_port),
     .unit = "",
     .initial = "9434",
     .min = 0,
     .max = 65535,
     .sentence = "Port of /metrics, /healthz and /readyz on 127.0.0.1; 0 turns them off."},
    {.name = "timer_ms",
     .type = CONF_INT,
     .offset = offsetof(struct saga_conf, timer_ms),
     .unit = "ms",
     .initial = "200",
     .min = 10,
     .max = 60000,
     .sentence = "How often the engine looks for deadlines that have passed."},
};

const struct conf_group saga_conf_group = {"saga", "The saga engine.", keys, ARRAY_LEN(keys),
                                           &values};

void saga_conf_path(struct buf *out)
{
    beside_find(out, values.file);
}
