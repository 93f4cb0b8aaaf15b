/* bar.h - how far a command is, on a terminal: one line on stderr that is drawn over. Elsewhere nothing is written. */
#ifndef PARKWAY_CLI_BAR_H
#define PARKWAY_CLI_BAR_H

#include "base/def.h"

struct bar {
    const char *what; /* "users" */
    int64_t count;    /* of all; 0: not known */
    int64_t drawn_us;
    bool on;
};

/* bar_init - nothing is drawn yet. what is borrowed. */
void bar_init(struct bar *b, const char *what, int64_t count);
/* bar_show - done of all, when it is time to draw. */
void bar_show(struct bar *b, int64_t done);
/* bar_clear - the line is empty again; before anything else is written to the terminal. */
void bar_clear(struct bar *b);

/* bar_text - the line. Pure. */
void bar_text(const char *what, int64_t done, int64_t count, char *out, size_t size);

#endif
