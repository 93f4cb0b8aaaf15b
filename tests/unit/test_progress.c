/* test_progress.c - the line that tells how far a copy is. */
#include "ops/progress.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void lines(void **state)
{
    UNUSED(state);
    static const struct {
        int64_t rows, before, estimated, bytes, chunks, all;
        int64_t seconds;
        bool json;
        const char *text;
    } cases[] = {
        {0, 0, 5000000, 0, 0, 50, 0, false,
         "0 of about 5,000,000 rows, 0 kB, 0 of 50 pieces, 0 rows/s"},
        {1200000, 0, 5000000, 123456789, 12, 50, 10, false,
         "1,200,000 of about 5,000,000 rows, 123 MB, 12 of 50 pieces, 120,000 rows/s, 0:31 "
         "left"},
        {1200000, 1000000, 5000000, 1234567890, 12, 50, 10, false,
         "1,200,000 of about 5,000,000 rows, 1.2 GB, 12 of 50 pieces, 20,000 rows/s, 3:10 "
         "left"},
        {1000, 0, 500000000, 999, 1, 5000, 10, false,
         "1,000 of about 500,000,000 rows, 1 kB, 1 of 5000 pieces, 100 rows/s, 1388:53:10 "
         "left"},
        {1100, 0, 1000, 50000, 1, 1, 1, false, /* estimated too low */
         "1,100 of about 1,100 rows, 50 kB, 1 of 1 pieces, 1,100 rows/s, 0:00 left"},
        {1200000, 0, 5000000, 123456789, 12, 50, 10, true,
         "{\"rows\":1200000,\"rows_estimated\":5000000,\"bytes\":123456789,\"chunks\":12,"
         "\"chunks_all\":50,\"rows_per_second\":120000,\"seconds_left\":31}"},
        {0, 0, 10, 0, 0, 1, 1, true,
         "{\"rows\":0,\"rows_estimated\":10,\"bytes\":0,\"chunks\":0,\"chunks_all\":1,"
         "\"rows_per_second\":0,\"seconds_left\":null}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct progress p;
        struct buf out = BUF_INIT;
        progress_init(&p, cases[i].json);
        p.rows = cases[i].before;
        progress_begin(&p, 1000000);
        p.rows = cases[i].rows;
        p.bytes = cases[i].bytes;
        p.chunks = cases[i].chunks;
        p.rows_estimated = cases[i].estimated;
        p.chunk_count = cases[i].all;
        progress_text(&p, 1000000 + cases[i].seconds * 1000000, &out);
        assert_string_equal(buf_cstr(&out), cases[i].text);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
