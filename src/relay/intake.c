/* intake.c - see intake.h. */
#include "relay/intake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RECORD_DATA = 'd', RECORD_PROGRESS = 'p' };

struct intake {
    void (*free_large)(void *mem);
    pthread_mutex_t lock;
    struct intake_chunk *first, *last; /* under lock */
    struct intake_chunk *filling;      /* the producer's own */
    atomic_size_t bytes;               /* in the list and in the chunk being consumed */
    int fd, room_fd;
};

struct intake *intake_new(void (*free_large)(void *mem))
{
    struct intake *in = def_zalloc(1, sizeof *in);
    in->free_large = free_large;
    pthread_mutex_init(&in->lock, NULL);
    in->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    in->room_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ASSERT(in->fd >= 0 && in->room_fd >= 0);
    return in;
}

static void chunk_free(struct intake *in, struct intake_chunk *c)
{
    if (c == NULL) {
        return;
    }
    if (c->large != NULL) {
        in->free_large(c->large);
    }
    buf_fini(&c->bytes);
    free(c);
}

void intake_free(struct intake *in)
{
    if (in == NULL) {
        return;
    }
    chunk_free(in, in->filling);
    while (in->first != NULL) {
        struct intake_chunk *c = in->first;
        in->first = c->next;
        chunk_free(in, c);
    }
    close(in->fd);
    close(in->room_fd);
    pthread_mutex_destroy(&in->lock);
    free(in);
}

static void signal_fd(int fd)
{
    uint64_t one = 1;
    ssize_t ignored = write(fd, &one, sizeof one); /* full means already signalled */
    UNUSED(ignored);
}

static void clear_fd(int fd)
{
    uint64_t n;
    ssize_t ignored = read(fd, &n, sizeof n);
    UNUSED(ignored);
}

static size_t chunk_bytes(const struct intake_chunk *c)
{
    return c->bytes.len + c->large_msg.n;
}

bool intake_has_room(const struct intake *in)
{
    size_t waiting = atomic_load(&((struct intake *)(uintptr_t)in)->bytes);
    size_t filling = in->filling != NULL ? chunk_bytes(in->filling) : 0;
    return waiting + filling < INTAKE_MAX_BYTES;
}

int intake_room_fd(const struct intake *in)
{
    return in->room_fd;
}

void intake_clear_room(struct intake *in)
{
    clear_fd(in->room_fd);
}

static void add_record(struct intake *in, uint8_t type, uint64_t wal, struct str msg)
{
    if (in->filling == NULL) {
        in->filling = def_zalloc(1, sizeof *in->filling);
    }
    struct buf *b = &in->filling->bytes;
    buf_u8(b, type);
    buf_u64(b, wal);
    buf_u32(b, (uint32_t)msg.n);
    buf_addstr(b, msg);
    if (b->len >= INTAKE_CHUNK_BYTES) {
        intake_flush(in);
    }
}

void intake_add(struct intake *in, uint64_t wal, struct str msg)
{
    add_record(in, RECORD_DATA, wal, msg);
}

void intake_add_progress(struct intake *in, uint64_t wal)
{
    add_record(in, RECORD_PROGRESS, wal, STR(""));
}

void intake_add_large(struct intake *in, uint64_t wal, struct str msg, void *mem)
{
    if (in->filling == NULL) {
        in->filling = def_zalloc(1, sizeof *in->filling);
    }
    in->filling->large = mem;
    in->filling->large_msg = msg;
    in->filling->large_wal = wal;
    intake_flush(in);
}

void intake_flush(struct intake *in)
{
    struct intake_chunk *c = in->filling;
    if (c == NULL) {
        return;
    }
    in->filling = NULL;
    atomic_fetch_add(&in->bytes, chunk_bytes(c));
    pthread_mutex_lock(&in->lock);
    if (in->first == NULL) {
        in->first = c;
    } else {
        in->last->next = c;
    }
    in->last = c;
    pthread_mutex_unlock(&in->lock);
    signal_fd(in->fd);
}

int intake_fd(const struct intake *in)
{
    return in->fd;
}

struct intake_chunk *intake_take(struct intake *in)
{
    clear_fd(in->fd);
    pthread_mutex_lock(&in->lock);
    struct intake_chunk *c = in->first;
    if (c != NULL) {
        in->first = c->next;
        c->next = NULL;
        if (in->first != NULL) {
            signal_fd(in->fd);
        }
    }
    pthread_mutex_unlock(&in->lock);
    return c;
}

bool intake_next(struct intake_chunk *c, struct intake_record *out)
{
    if (c->read_at < c->bytes.len) {
        struct str all = buf_str(&c->bytes);
        struct rd r = rd_of((struct str){all.p + c->read_at, all.n - c->read_at});
        out->is_progress = rd_u8(&r) == RECORD_PROGRESS;
        out->wal = rd_u64(&r);
        out->msg = rd_bytes(&r, rd_u32(&r));
        ASSERT(!r.bad);
        c->read_at = c->bytes.len - rd_left(&r);
        return true;
    }
    if (c->large != NULL && !c->large_read) {
        c->large_read = true;
        *out = (struct intake_record){.wal = c->large_wal, .msg = c->large_msg};
        return true;
    }
    return false;
}

void intake_done(struct intake *in, struct intake_chunk *c)
{
    atomic_fetch_sub(&in->bytes, chunk_bytes(c));
    chunk_free(in, c);
    signal_fd(in->room_fd);
}

size_t intake_bytes(const struct intake *in)
{
    return atomic_load(&((struct intake *)(uintptr_t)in)->bytes);
}
