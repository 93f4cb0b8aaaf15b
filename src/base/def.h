/* def.h - the words every file uses: borrowed text, ASSERT, attributes, checked sizes.
 *
 * Nothing here has state. Text and bytes travel as struct str (pointer, length), borrowed
 * until the moment the receiving function's header names; it is not NUL-terminated unless
 * a function says so. A NULL pointer means "no value" (SQL NULL), length 0 an empty one. */
#ifndef PARKWAY_BASE_DEF_H
#define PARKWAY_BASE_DEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NODISCARD         __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define ARRAY_LEN(a)      (sizeof(a) / sizeof((a)[0]))
#define UNUSED(x)         ((void)(x))

struct str {
    const char *p;
    size_t n;
};

/* A string literal as a struct str. */
#define STR(lit) ((struct str){(lit), sizeof(lit) - 1})
#define STR_NULL ((struct str){NULL, 0})
/* printf arguments for "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *cstr)
{
    return (struct str){cstr, cstr != NULL ? strlen(cstr) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* A bug, never a peer's fault: says where, aborts (the supervisor restarts the daemon). Also in
 * release builds. No input may reach it. */
#define ASSERT(cond)                                                                           \
    do {                                                                                       \
        if (!(cond)) {                                                                         \
            def_assert_failed(#cond, __FILE__, __LINE__);                                      \
        }                                                                                      \
    } while (0)

NORETURN void def_assert_failed(const char *cond, const char *file, int line);

/* Allocation that never returns NULL: out of memory ends the process like a failed ASSERT (the
 * state of every daemon is restartable, and every queue is bounded, so there is nothing better
 * to do). Sizes of 0 return a pointer that can be freed. free() releases. */
void *def_alloc(size_t size);
void *def_zalloc(size_t count, size_t size);
void *def_realloc(void *p, size_t size);
char *def_strdup(const char *s);
char *def_strndup(const char *s, size_t n);

#endif
