/* relay_conf.c - see relay_conf.h. */
#include "relay/relay_conf.h"

static struct relay_conf values;

const struct relay_conf *relay_conf(void)
{
    return &values;
}

#define AT(member) offsetof(struct relay_conf, member)

static const struct conf_key keys[] = {
    {.name = "http_port",
     .type = CONF_INT,
     .offset = AT(http_port),
     .unit = "",
     .initial = "9431",
     .min = 0,
     .max = 65535,
     .sentence = "Port of /metrics, /healthz and /readyz on 127.0.0.1; 0 turns them off."},
    {.name = "window",
     .type = CONF_INT,
     .offset = AT(window),
     .unit = "messages",
     .initial = "1024",
     .min = 1,
     .max = 65536,
     .sentence = "How many published messages may be unconfirmed."},
    {.name = "window_bytes",
     .type = CONF_INT,
     .offset = AT(window_bytes),
     .unit = "bytes",
     .initial = "8388608",
     .min = 65536,
     .max = 1073741824,
     .sentence = "How many bytes of published messages may be unconfirmed."},
    {.name = "frame_max_bytes",
     .type = CONF_INT,
     .offset = AT(frame_max_bytes),
     .unit = "bytes",
     .initial = "262144",
     .min = 4096,
     .max = 67108864,
     .sentence = "About how large a message of the log may get; larger rows travel in parts."},
    {.name = "release",
     .type = CONF_STRING,
     .offset = AT(release),
     .unit = "",
     .initial = "applied",
     .choices = "applied|broker",
     .sentence = "What the slot waits for: that every registered replica has applied it, or "
                 "only that the "
                 "broker has it."},
    {.name = "wal_budget_bytes",
     .type = CONF_INT,
     .offset = AT(wal_budget_bytes),
     .unit = "bytes",
     .initial = "17179869184",
     .min = 0,
     .max = INT64_MAX,
     .sentence = "How much WAL a dead replica may hold on the primary; 0 is no bound."},
    {.name = "decoding_bytes",
     .type = CONF_INT,
     .offset = AT(decoding_bytes),
     .unit = "bytes",
     .initial = "268435456",
     .min = 65536,
     .max = INT64_C(1) << 40,
     .sentence =
         "How much of open transactions the primary keeps in memory for the relay, before "
         "it spills them to its disk (logical_decoding_work_mem)."},
    {.name = "sender_timeout_ms",
     .type = CONF_INT,
     .offset = AT(sender_timeout_ms),
     .unit = "ms",
     .initial = "3000",
     .min = 1000,
     .max = 600000,
     .sentence =
         "After this long without a word from the relay the primary frees the slot for a "
         "standby."},
    {.name = "heartbeat_ms",
     .type = CONF_INT,
     .offset = AT(heartbeat_ms),
     .unit = "ms",
     .initial = "1000",
     .min = 0,
     .max = 600000,
     .sentence =
         "While nothing is written, a small transaction goes this often from the primary to "
         "every replica and measures the way; 0: none."},
};

const struct conf_group relay_conf_group = {"relay",
                                            "The relay: from the primary's WAL to the broker.",
                                            keys, ARRAY_LEN(keys), &values};
