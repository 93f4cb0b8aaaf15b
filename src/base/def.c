/* def.c - see def.h. Allocation failure and broken invariants end the process here. */
#include "base/def.h"

#include <stdio.h>
#include <stdlib.h>

void def_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "assertion failed: %s at %s:%d\n", cond, file, line);
    abort();
}

static void *checked(void *p, size_t size)
{
    if (p == NULL) {
        fprintf(stderr, "out of memory: could not allocate %zu bytes\n", size);
        abort();
    }
    return p;
}

void *def_alloc(size_t size)
{
    return checked(malloc(size != 0 ? size : 1), size);
}

void *def_zalloc(size_t count, size_t size)
{
    return checked(calloc(count != 0 ? count : 1, size != 0 ? size : 1), count * size);
}

void *def_realloc(void *p, size_t size)
{
    return checked(realloc(p, size != 0 ? size : 1), size);
}

char *def_strdup(const char *s)
{
    return def_strndup(s, strlen(s));
}

char *def_strndup(const char *s, size_t n)
{
    char *copy = def_alloc(n + 1);
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}
