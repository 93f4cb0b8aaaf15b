/* verbs.h - the table of the CLI's commands, and running one of them. */
#ifndef PARKWAY_CLI_VERBS_H
#define PARKWAY_CLI_VERBS_H

#include "cli/argline.h"
#include "domain/db.h"

/* What every command works with; one a process. */
struct cli {
    struct db *db;
    int64_t read_your_writes_ms;
    struct buf out; /* the result of the command that runs; goes to stdout when it has ended */
    bool json;
};

struct verb {
    const char *name; /* with '_' */
    const char *summary;
    const struct argline_param *params;
    size_t param_count;
    /* values are checked UTF-8; diagnostics that are no error go to stderr */
    int (*run)(struct cli *cli, const struct argline_values *v, struct err *e);
};

extern const struct verb verbs[];
extern const size_t verbs_count;

/* verbs_find - by name, '_' and '-' being the same; NULL when there is none. */
const struct verb *verbs_find(struct str name);
/* verbs_run - run one command from its words: result to stdout, errors to stderr as "error: …". Returns the
 * exit status. */
int verbs_run(struct cli *cli, const struct str *words, size_t count);
void verbs_help(struct buf *out);

#endif
