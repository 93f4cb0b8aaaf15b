/* Fuzz target (libFuzzer): any bytes as a configuration file. What is accepted prints as a file that is accepted
 * and prints the same. */
#include "base/buf.h"
#include "base/conf.h"
#include "event/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Loads text as a file into the groups; false: refused. */
static bool load(struct str text)
{
    char path[64];
    struct err e = ERR_INIT;
    int fd = memfd_create("conf", 0);
    ASSERT(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int rc = conf_load(setup_groups, setup_group_count, path, &e);
    ASSERT(rc == 0 || e.text[0] != '\0');
    close(fd);
    return rc == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = BUF_INIT;
    struct buf twice = BUF_INIT;
    clearenv();
    /* libconfig follows @include */
    if (memmem(data, size, "@", 1) == NULL && load((struct str){(const char *)data, size})) {
        conf_print(setup_groups, setup_group_count, false, &once);
        conf_free(setup_groups, setup_group_count);
        ASSERT(load(buf_str(&once)));
        conf_print(setup_groups, setup_group_count, false, &twice);
        ASSERT(str_eq(buf_str(&once), buf_str(&twice)));
    }
    conf_free(setup_groups, setup_group_count);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
