/* progress.c - see progress.h. */
#include "ops/progress.h"

#include "base/json.h"

#include <inttypes.h>
#include <unistd.h>

enum { DRAW_US = 250000, LINE_US = 10000000 };

void progress_init(struct progress *p, bool json)
{
    *p = (struct progress){.to = json ? stdout : stderr, .json = json};
    p->terminal = !json && isatty(STDERR_FILENO);
}

void progress_begin(struct progress *p, int64_t now_us)
{
    p->rows_before = p->rows;
    p->begun_us = now_us;
    p->shown_us = now_us;
}

/* Rows a second of this run; 0 while nothing can be said. */
static int64_t rate(const struct progress *p, int64_t now_us)
{
    int64_t us = now_us - p->begun_us;
    return us > 0 ? (int64_t)((double)(p->rows - p->rows_before) * 1e6 / (double)us) : 0;
}

/* Seconds; -1 unknown. The estimate may be too low: then the end is near for as long as it takes. */
static int64_t left(const struct progress *p, int64_t now_us)
{
    int64_t each = rate(p, now_us);
    int64_t rows = p->rows_estimated - p->rows;
    return each <= 0 ? -1 : rows > 0 ? rows / each : 0;
}

static void grouped(struct buf *out, int64_t v)
{
    if (v >= 1000) {
        grouped(out, v / 1000);
        buf_addf(out, ",%03d", (int)(v % 1000));
    } else {
        buf_addf(out, "%d", (int)v);
    }
}

static void sized(struct buf *out, int64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double v = (double)bytes / 1000;
    size_t i = 0;
    while (v >= 1000 && i + 1 < ARRAY_LEN(units)) {
        v /= 1000;
        i++;
    }
    buf_addf(out, "%.*f %s", v < 10 && i > 0 ? 1 : 0, v, units[i]);
}

static void as_json(const struct progress *p, int64_t now_us, struct buf *out)
{
    struct json j;
    json_init(&j, out, JSON_COMPACT);
    json_object(&j);
    json_key_int(&j, "rows", p->rows);
    json_key_int(&j, "rows_estimated", p->rows_estimated);
    json_key_int(&j, "bytes", p->bytes);
    json_key_int(&j, "chunks", p->chunks);
    json_key_int(&j, "chunks_all", p->chunk_count);
    json_key_int(&j, "rows_per_second", rate(p, now_us));
    json_key(&j, "seconds_left");
    if (left(p, now_us) >= 0) {
        json_int(&j, left(p, now_us));
    } else {
        json_null(&j);
    }
    json_object_end(&j);
}

void progress_text(const struct progress *p, int64_t now_us, struct buf *out)
{
    if (p->json) {
        as_json(p, now_us, out);
        return;
    }
    grouped(out, p->rows);
    buf_adds(out, " of about ");
    grouped(out, p->rows_estimated > p->rows ? p->rows_estimated : p->rows);
    buf_adds(out, " rows, ");
    sized(out, p->bytes);
    buf_addf(out, ", %" PRId64 " of %" PRId64 " pieces, ", (int64_t)p->chunks, p->chunk_count);
    grouped(out, rate(p, now_us));
    buf_adds(out, " rows/s");
    int64_t s = left(p, now_us);
    if (s >= 3600) {
        buf_addf(out, ", %" PRId64 ":%02d:%02d left", s / 3600, (int)(s / 60 % 60),
                 (int)(s % 60));
    } else if (s >= 0) {
        buf_addf(out, ", %d:%02d left", (int)(s / 60), (int)(s % 60));
    }
}

static void put(struct progress *p, int64_t now_us)
{
    struct buf text = BUF_INIT;
    progress_text(p, now_us, &text);
    if (p->terminal) {
        fprintf(p->to, "\r\033[K%s", buf_cstr(&text));
    } else {
        fprintf(p->to, "%s%s\n", p->json ? "" : "copying: ", buf_cstr(&text));
    }
    fflush(p->to);
    buf_fini(&text);
    p->shown_us = now_us;
}

void progress_show(struct progress *p, int64_t now_us)
{
    if (now_us - p->shown_us >= (p->terminal ? DRAW_US : LINE_US)) {
        put(p, now_us);
    }
}

void progress_clear(struct progress *p)
{
    if (p->terminal) {
        fprintf(p->to, "\r\033[K");
        fflush(p->to);
    }
}

void progress_end(struct progress *p, int64_t now_us)
{
    if (p->json) {
        put(p, now_us);
    }
    progress_clear(p);
}
