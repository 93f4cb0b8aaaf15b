/* roll.c - see roll.h. */
#include "relay/roll.h"

static struct session_replica *find(struct session *s, struct str name)
{
    for (size_t i = 0; i < s->replica_count; i++) {
        if (str_eq(str_of(s->replicas[i].name), name)) {
            return &s->replicas[i];
        }
    }
    return NULL;
}

static struct session_replica *room(struct session *s)
{
    if (s->replica_count < SESSION_REPLICAS_MAX) {
        return &s->replicas[s->replica_count++];
    }
    for (size_t i = 0; i < s->replica_count; i++) {
        if (!s->replicas[i].registered) {
            return &s->replicas[i];
        }
    }
    return NULL;
}

struct session_replica *roll_report(struct session *s, struct str name)
{
    struct session_replica *r = find(s, name);
    if (r == NULL && name.n > 0 && name.n < SESSION_NAME_MAX && (r = room(s)) != NULL) {
        *r = (struct session_replica){.registered = false};
        memcpy(r->name, name.p, name.n);
    }
    return r;
}

const struct str *roll_call(struct session *s, const struct str *names, size_t count)
{
    for (size_t i = 0; i < s->replica_count; i++) {
        s->replicas[i].registered = false;
    }
    /* first those that are here already, so that no newcomer takes their rows */
    for (size_t i = 0; i < count; i++) {
        struct session_replica *r = find(s, names[i]);
        if (r != NULL) {
            r->registered = true;
        }
    }
    const struct str *lost = NULL;
    for (size_t i = 0; i < count; i++) {
        struct session_replica *r = roll_report(s, names[i]);
        if (r != NULL) {
            r->registered = true;
        } else if (lost == NULL) {
            lost = &names[i];
        }
    }
    return lost;
}
