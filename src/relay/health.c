/* health.c - see health.h. */
#include "relay/health.h"

static bool over(const struct health_in *in, int64_t since_us)
{
    return since_us != 0 && in->now_us - since_us > (int64_t)HEALTH_PATIENCE_MS * 1000;
}

struct health_out health_decide(const struct health_in *in)
{
    struct health_out out = {HEALTH_READY, 0};
    if (in->standby) {
        out = (struct health_out){HEALTH_STANDBY, in->down_us};
    } else if (in->down_us != 0) {
        out = (struct health_out){HEALTH_DOWN, in->down_us};
    } else if (in->blocked) {
        out = (struct health_out){HEALTH_BLOCKED, in->unconfirmed_us};
    } else if (over(in, in->unconfirmed_us)) {
        out = (struct health_out){HEALTH_UNCONFIRMED, in->unconfirmed_us};
    } else if (over(in, in->heard_us)) {
        out = (struct health_out){HEALTH_SILENT, in->heard_us};
    } else if (over(in, in->turn_us)) {
        out = (struct health_out){HEALTH_STUCK, in->turn_us};
    } else if (over(in, in->paused_us)) {
        out = (struct health_out){HEALTH_PAUSED, in->paused_us};
    }
    return out;
}

const char *health_text(enum health h)
{
    switch (h) {
    case HEALTH_READY: return "ready";
    case HEALTH_STANDBY: return "standby: another relay is at work";
    case HEALTH_DOWN: return "no stream from primary to broker";
    case HEALTH_BLOCKED: return "the broker blocks publishing";
    case HEALTH_UNCONFIRMED: return "the broker does not confirm";
    case HEALTH_SILENT: return "the primary is silent";
    case HEALTH_STUCK: return "primary or broker does not answer a question";
    case HEALTH_PAUSED: return "publishing waits for the slowest replica";
    }
    return "";
}
