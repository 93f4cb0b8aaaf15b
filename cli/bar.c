/* bar.c - see bar.h. */
#include "cli/bar.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { DRAW_US = 100000, CELLS = 30 };

void bar_init(struct bar *b, const char *what, int64_t count)
{
    *b = (struct bar){.what = what, .count = count, .on = isatty(STDERR_FILENO) == 1};
}

void bar_text(const char *what, int64_t done, int64_t count, char *out, size_t size)
{
    if (count <= 0) {
        snprintf(out, size, "%" PRId64 " %s", done, what);
        return;
    }
    char cells[CELLS + 1];
    int64_t full = done >= count ? CELLS : done * CELLS / count;
    memset(cells, '#', (size_t)full);
    memset(cells + full, '.', (size_t)(CELLS - full));
    cells[CELLS] = '\0';
    snprintf(out, size, "[%s] %" PRId64 " of %" PRId64 " %s", cells, done, count, what);
}

void bar_show(struct bar *b, int64_t done)
{
    int64_t now_us = clock_mono_us();
    if (!b->on || now_us - b->drawn_us < DRAW_US) {
        return;
    }
    char text[160];
    bar_text(b->what, done, b->count, text, sizeof text);
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
    b->drawn_us = now_us;
}

void bar_clear(struct bar *b)
{
    if (b->on && b->drawn_us != 0) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
        b->drawn_us = 0;
    }
}
