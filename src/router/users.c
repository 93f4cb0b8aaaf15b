/* users.c - see users.h. */
#include "router/users.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <uthash.h>
#pragma GCC diagnostic pop

enum { LINE_MAX_BYTES = 1024, LOOK_EVERY_US = 1000000 };

struct user {
    char name[64];
    struct scram_verifier verifier;
    UT_hash_handle hh;
};

struct users {
    char *path;
    pthread_mutex_t lock;
    struct user *table;
    struct timespec changed;
    off_t size;
    int64_t looked_us;
    bool failed; /* said once per state change */
    uint8_t mock_secret[SCRAM_KEY];
};

struct users *users_new(const char *path)
{
    struct users *u = def_zalloc(1, sizeof *u);
    u->path = def_strdup(path);
    pthread_mutex_init(&u->lock, NULL);
    rand_bytes(u->mock_secret, sizeof u->mock_secret);
    return u;
}

static void drop(struct user **table)
{
    struct user *one, *next;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
    HASH_ITER(hh, *table, one, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): one is in the table still, what was freed is not */
        HASH_DEL(*table, one);
        free(one);
    }
#pragma GCC diagnostic pop
}

void users_free(struct users *u)
{
    drop(&u->table);
    pthread_mutex_destroy(&u->lock);
    free(u->path);
    free(u);
}

/* A quoted word at *s: into out, doubled quotes undone. */
static bool word(struct str *s, char *out, size_t size)
{
    size_t n = 0;
    while (s->n > 0 && (*s->p == ' ' || *s->p == '\t')) {
        s->p++;
        s->n--;
    }
    if (s->n == 0 || *s->p != '"') {
        return false;
    }
    for (size_t i = 1; i < s->n; i++) {
        if (s->p[i] == '"' && (i + 1 >= s->n || s->p[i + 1] != '"')) {
            out[n] = '\0';
            s->p += i + 1;
            s->n -= i + 1;
            return true;
        }
        i += s->p[i] == '"';
        if (n + 1 >= size) {
            return false;
        }
        out[n++] = s->p[i];
    }
    return false;
}

int users_parse_line(struct str line, char name[64], struct scram_verifier *out)
{
    char text[LINE_MAX_BYTES];
    while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) {
        line.n--;
    }
    if (line.n == 0 || line.p[0] == '#') {
        return 0;
    }
    if (!word(&line, name, 64) || !word(&line, text, sizeof text) || line.n != 0 ||
        !scram_verifier_parse(str_of(text), out)) {
        return -1;
    }
    return 1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
static void put(struct user **table, const char *name, const struct scram_verifier *v)
{
    struct user *one = NULL;
    HASH_FIND_STR(*table, name, one);
    if (one == NULL) {
        one = def_zalloc(1, sizeof *one);
        snprintf(one->name, sizeof one->name, "%s", name);
        HASH_ADD_STR(*table, name, one);
    }
    one->verifier = *v;
}

static struct user *get(struct users *u, struct str name)
{
    struct user *one = NULL;
    HASH_FIND(hh, u->table, name.p, name.n, one);
    return one;
}
#pragma GCC diagnostic pop

/* Reads the file into a new table. Caller holds the lock. */
static int load(struct users *u, struct err *e)
{
    struct user *table = NULL;
    char line[LINE_MAX_BYTES + 128];
    int rc = 0;
    struct stat st;
    FILE *f = fopen(u->path, "re");
    if (f == NULL) {
        return err_set(e, ERR_NOT_FOUND, "could not open %s: %s", u->path, strerror(errno));
    }
    for (int n = 1; rc == 0 && fgets(line, sizeof line, f) != NULL; n++) {
        char name[64];
        struct scram_verifier v;
        int kind = users_parse_line(str_of(line), name, &v);
        if (kind < 0) {
            rc =
                err_set(e, ERR_INVALID, "%s:%d: not  \"user\" \"SCRAM-SHA-256$…\"", u->path, n);
        } else if (kind > 0) {
            put(&table, name, &v);
        }
    }
    if (rc == 0 && fstat(fileno(f), &st) == 0) {
        u->changed = st.st_mtim;
        u->size = st.st_size;
    }
    fclose(f);
    if (rc != 0) {
        drop(&table);
        return rc;
    }
    drop(&u->table);
    u->table = table;
    return 0;
}

int users_load(struct users *u, struct err *e)
{
    pthread_mutex_lock(&u->lock);
    int rc = load(u, e);
    pthread_mutex_unlock(&u->lock);
    return rc;
}

/* Reads the file again when it changed. Caller holds the lock. */
static void look(struct users *u)
{
    struct stat st;
    struct err e = ERR_INIT;
    int64_t now = clock_mono_us();
    if (u->looked_us != 0 && now - u->looked_us < LOOK_EVERY_US) {
        return;
    }
    u->looked_us = now;
    if (stat(u->path, &st) == 0 && st.st_mtim.tv_sec == u->changed.tv_sec &&
        st.st_mtim.tv_nsec == u->changed.tv_nsec && st.st_size == u->size) {
        return;
    }
    if (load(u, &e) == 0) {
        log_info("users read file=%s users=%u", u->path, HASH_COUNT(u->table));
        u->failed = false;
    } else if (!u->failed) {
        log_warn("could not read users: %s", e.text);
        u->failed = true;
    }
}

bool users_find(struct users *u, struct str name, struct scram_verifier *out)
{
    pthread_mutex_lock(&u->lock);
    look(u);
    struct user *one = name.n < sizeof one->name ? get(u, name) : NULL;
    if (one != NULL) {
        *out = one->verifier;
    } else {
        scram_verifier_mock(u->mock_secret, name, out);
    }
    pthread_mutex_unlock(&u->lock);
    return one != NULL;
}

size_t users_count(struct users *u)
{
    pthread_mutex_lock(&u->lock);
    size_t n = HASH_COUNT(u->table);
    pthread_mutex_unlock(&u->lock);
    return n;
}
