/* instant.c - see instant.h. The database reads many more texts as a time (now, yesterday, 10:00), most of which no client
 * means; so the shape is checked here. */
#include "domain/instant.h"

#include <inttypes.h>
#include <stdio.h>

enum { MS = 1000, MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, YEAR_FIRST = 1970 };

#define SECONDS_END INT64_C(253402300800) /* 10000-01-01 */

struct scan {
    struct str s;
    size_t at;
};

static bool take(struct scan *t, char c)
{
    bool there = t->at < t->s.n && t->s.p[t->at] == c;
    t->at += there;
    return there;
}

/* Exactly `count` digits of a number from min to max. */
static bool number(struct scan *t, size_t count, int min, int max, int *out)
{
    *out = 0;
    for (size_t i = 0; i < count; i++, t->at++) {
        if (t->at >= t->s.n || t->s.p[t->at] < '0' || t->s.p[t->at] > '9') {
            return false;
        }
        *out = *out * 10 + (t->s.p[t->at] - '0');
    }
    return *out >= min && *out <= max;
}

/* What may stand behind the seconds: a fraction, of which milliseconds are kept. */
static bool fraction(struct scan *t, int *ms)
{
    int unit = MS / 10;
    *ms = 0;
    if (!take(t, '.')) {
        return true;
    }
    size_t from = t->at;
    for (; t->at < t->s.n && t->s.p[t->at] >= '0' && t->s.p[t->at] <= '9'; t->at++) {
        *ms += (t->s.p[t->at] - '0') * unit;
        unit /= 10;
    }
    return t->at > from;
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year));
}

/* Days from 1970-01-01. */
static int64_t days_of(int year, int month, int day)
{
    int64_t days = day - 1;
    for (int m = 1; m < month; m++) {
        days += month_days(year, m);
    }
    int before = year - 1;
    return days + 365 * (int64_t)(year - YEAR_FIRST) +
           (before / 4 - before / 100 + before / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
}

/* Z, or +09:00: seconds to the east. */
static bool offset(struct scan *t, int *east_s)
{
    int hours;
    int minutes;
    *east_s = 0;
    if (take(t, 'Z') || take(t, 'z')) {
        return true;
    }
    bool west = take(t, '-');
    if ((!west && !take(t, '+')) || !number(t, 2, 0, 23, &hours) || !take(t, ':') ||
        !number(t, 2, 0, 59, &minutes)) {
        return false;
    }
    *east_s = (hours * HOUR_S + minutes * MINUTE_S) * (west ? -1 : 1);
    return true;
}

static bool calendar(struct str text, int64_t *ms)
{
    struct scan t = {text, 0};
    int year, month, day, hour, minute, second, ms_part, east_s;
    bool ok = number(&t, 4, YEAR_FIRST, 9999, &year) && take(&t, '-') &&
              number(&t, 2, 1, 12, &month) && take(&t, '-') &&
              number(&t, 2, 1, month_days(year, month), &day) &&
              (take(&t, 'T') || take(&t, 't') || take(&t, ' ')) &&
              number(&t, 2, 0, 23, &hour) && take(&t, ':') && number(&t, 2, 0, 59, &minute) &&
              take(&t, ':') && number(&t, 2, 0, 59, &second) && fraction(&t, &ms_part) &&
              offset(&t, &east_s) && t.at == text.n;
    if (!ok) {
        return false;
    }
    int64_t s =
        days_of(year, month, day) * DAY_S + hour * HOUR_S + minute * MINUTE_S + second - east_s;
    *ms = s * MS + ms_part;
    return s >= 0 && s < SECONDS_END;
}

static bool epoch(struct str text, int64_t *ms)
{
    struct scan t = {text, 0};
    int64_t s = 0;
    int ms_part;
    while (t.at < text.n && text.p[t.at] >= '0' && text.p[t.at] <= '9' && s < SECONDS_END) {
        s = s * 10 + (text.p[t.at++] - '0');
    }
    if (t.at == 0 || s >= SECONDS_END || !fraction(&t, &ms_part) || t.at != text.n) {
        return false;
    }
    *ms = s * MS + ms_part;
    return true;
}

bool instant_parse(struct str text, int64_t *ms)
{
    return text.p != NULL && (calendar(text, ms) || epoch(text, ms));
}

void instant_epoch(int64_t ms, char out[INSTANT_EPOCH_MAX])
{
    ASSERT(ms >= 0);
    int n = snprintf(out, INSTANT_EPOCH_MAX, "%" PRId64 ".%03d", ms / MS, (int)(ms % MS));
    while (out[n - 1] == '0') {
        out[--n] = '\0';
    }
    if (out[n - 1] == '.') {
        out[n - 1] = '\0';
    }
}
