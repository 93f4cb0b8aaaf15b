/* Metrics: which bucket a value falls into, and the text that Prometheus reads. */
#include "base/metric.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void buckets(void **state)
{
    UNUSED(state);
    for (int64_t v = -3; v < 5000; v++) {
        struct metric_histogram h = {.first = 10};
        struct metric m = {.name = "x", .kind = METRIC_HISTOGRAM, .histogram = &h};
        metric_observe(&m, v);
        for (size_t i = 0; i < METRIC_BUCKETS; i++) {
            int64_t low = i == 0 ? INT64_MIN : h.first << (i - 1);
            assert_int_equal(atomic_load(&h.counts[i]), v > low && v <= h.first << i);
        }
    }
    struct metric_histogram h = {.first = 10};
    struct metric m = {.name = "x", .kind = METRIC_HISTOGRAM, .histogram = &h};
    metric_observe(&m, INT64_MAX / 2);
    assert_int_equal(atomic_load(&h.counts[METRIC_BUCKETS]), 1);
}

static void text(void **state)
{
    UNUSED(state);
    struct metric_histogram h = {.first = 1000};
    struct metric table[] = {
        {.name = "a_total", .kind = METRIC_COUNTER, .help = "as", .value = 3},
        {.name = "b_seconds",
         .kind = METRIC_GAUGE,
         .help = "bs",
         .scale = 1e-6,
         .value = 2500000},
        {.name = "c_seconds",
         .kind = METRIC_HISTOGRAM,
         .help = "cs",
         .scale = 1e-6,
         .histogram = &h},
    };
    metric_observe(&table[2], 1500);
    metric_observe(&table[2], 1500);
    metric_observe(&table[2], 500);
    struct buf out = BUF_INIT;
    metric_write(table, ARRAY_LEN(table), &out);
    const char *got = buf_cstr(&out);
    assert_non_null(strstr(got, "# TYPE a_total counter\na_total 3\n"));
    assert_non_null(strstr(got, "# TYPE b_seconds gauge\nb_seconds 2.5\n"));
    assert_non_null(strstr(got, "# TYPE c_seconds histogram\n"
                                "c_seconds_bucket{le=\"0.001\"} 1\n"
                                "c_seconds_bucket{le=\"0.002\"} 3\n"
                                "c_seconds_bucket{le=\"0.004\"} 3\n"));
    assert_non_null(strstr(got, "c_seconds_bucket{le=\"+Inf\"} 3\nc_seconds_sum 0.0035\n"
                                "c_seconds_count 3\n"));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(buckets), cmocka_unit_test(text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
