/* Fuzz target (libFuzzer): any bytes as a file of sagas. What is accepted can be printed, and a short life of each of
 * its sagas, chosen by the bytes, ends in no failed ASSERT and in states that a row may hold. */
#include "saga/saga.h"
#include "saga/saga_decide.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void live(const struct saga *s, const uint8_t *data, size_t size)
{
    struct saga_state st;
    int64_t now_us = 1;
    instance_new(0, &st);
    for (size_t i = 0; i < size && i < 64; i++) {
        struct saga_input in = {.kind = (enum saga_input_kind)(data[i] % 7),
                                .id = "id",
                                .who = "operator:x",
                                .event = s->events[data[i] / 7 % s->event_count].type};
        struct saga_outcome out;
        in.kind = i == 0 ? SAGA_IN_START : in.kind;
        now_us +=
            in.kind == SAGA_IN_TIMER && st.deadline_us > now_us ? st.deadline_us - now_us : 1;
        in.now_us = now_us;
        saga_decide(s, &st, &in, &out);
        st = out.state;
        ASSERT(st.status == SAGA_NONE || instance_fault(s, &st) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    struct err e = ERR_INIT;
    const struct declarations *d = NULL;
    struct buf out = BUF_INIT;
    if (memchr(data, '@', size) != NULL) {
        return 0; /* libconfig follows @include */
    }
    int fd = memfd_create("sagas", 0);
    ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (declaration_load(path, &d, &e) == 0) {
        saga_print(d, &out);
        for (int i = 0; i < d->saga_count; i++) {
            live(&d->sagas[i], data, size);
        }
        declaration_free(d);
    } else {
        ASSERT(e.text[0] != '\0');
    }
    close(fd);
    buf_fini(&out);
    return 0;
}
