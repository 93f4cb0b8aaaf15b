/* argline.h - the words of a command: splitting a line as a shell does, and giving words to the
 * parameters of a command. Pure but for memory. */
#ifndef PARKWAY_CLI_ARGLINE_H
#define PARKWAY_CLI_ARGLINE_H

#include "base/buf.h"
#include "base/err.h"

enum { ARGLINE_WORDS_MAX = 64, ARGLINE_PARAMS_MAX = 16 };

/* The words of a line; texts borrow `bytes`. */
struct argline {
    struct buf bytes;
    size_t count;
    struct str words[ARGLINE_WORDS_MAX];
};

void argline_init(struct argline *a);
void argline_fini(struct argline *a);
/* argline_split - the words of one line, after the shell's rules (POSIX.1-2017 XCU 2.2): blanks part
 * words; '…' is literal; in "…" a backslash escapes " \ $ ` only; outside quotes it escapes anything. Nothing
 * is expanded. A line that begins with # has no words. ERR_USAGE: open quote, backslash at the end, NUL, too
 * many words. Earlier words of `a` are dropped. */
NODISCARD int argline_split(struct argline *a, struct str line, struct err *e);

/* A parameter: in a table of a command's, in the order of its positional form. */
struct argline_param {
    const char *name; /* with '_' */
    bool required;
    const char *
        value; /* what to write for the value in help: "NAME"; NULL: a flag, which takes none */
    const char *meaning; /* one line of help */
};
struct argline_values {
    struct str of[ARGLINE_PARAMS_MAX]; /* p NULL: not given; borrowed from the words */
    bool json;                         /* --json was given */
    bool help;                         /* --help or -h was given: nothing else is checked */
};

/* argline_same - equal, '_' and '-' being the same. */
bool argline_same(struct str a, struct str b);
/* What a flag that was given has for a value. */
#define ARGLINE_YES STR("yes")

/* argline_bind - words (behind the command's name) to params: --k=v, --k v, or positional for the next
 * parameter that is not given yet; "--" makes all that follows positional. A flag is --k alone. ERR_USAGE: unknown or repeated
 * option, too many words, a missing value or parameter; ERR_INVALID: a value that is no UTF-8 text. */
NODISCARD int argline_bind(const struct argline_param *params, size_t param_count,
                           const struct str *words, size_t word_count,
                           struct argline_values *out, struct err *e);

#endif
