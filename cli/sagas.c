/* sagas.c - see sagas.h. What a saga does not have is left out of both formats. In the log stands the name of the account that asked. */
#include "cli/sagas.h"

#include "cli/present.h"
#include "saga/books.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

enum { FIELDS = 11 };

static void show(struct cli *cli, const struct present_field *all, size_t count, bool line)
{
    struct present_field there[FIELDS];
    size_t n = 0;
    ASSERT(count <= FIELDS);
    for (size_t i = 0; i < count; i++) {
        if (all[i].value.p != NULL) {
            there[n++] = all[i];
        }
    }
    if (line) {
        present_line(&cli->out, there, n);
    } else {
        present_detail(&cli->out, there, n);
    }
}

static void show_saga(struct cli *cli, struct books_saga s, bool line)
{
    const struct present_field all[] = {{"saga_id", s.id, false},
                                        {"saga_type", s.type, false},
                                        {"order_id", s.order, true},
                                        {"step", s.step, false},
                                        {"status", s.status, false},
                                        {"paused", s.paused ? STR("true") : STR("false"), true},
                                        {"attempt", s.attempt, true},
                                        {"deadline_at", s.deadline, false},
                                        {"last_error", s.error, false},
                                        {"created_at", s.created, false},
                                        {"updated_at", s.updated, false}};
    show(cli, all, ARRAY_LEN(all), line);
}

int sagas_list(struct cli *cli, const struct argline_values *v, struct err *e)
{
    char after[96] = "";
    for (;;) {
        struct result *rows = NULL;
        int rc = books_list(cli->db, NULL, v->of[0],
                            after[0] != '\0' ? str_of(after) : STR_NULL, &rows, e);
        if (rc != 0) {
            return rc;
        }
        size_t count = result_count(rows);
        for (size_t i = 0; i < count; i++) {
            show_saga(cli, books_at(rows, i), true);
        }
        if (count > 0) {
            snprintf(after, sizeof after, "%.*s", STR_ARG(books_place(rows, count - 1)));
        }
        result_free(rows);
        if (count < BOOKS_PAGE) {
            return 0;
        }
    }
}

int sagas_details(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct result *rows = NULL;
    int rc = books_details(cli->db, NULL, v->of[0], &rows, e);
    if (rc == 0) {
        show_saga(cli, books_at(rows, 0), cli->json);
        result_free(rows);
    }
    return rc;
}

int sagas_log(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct result *rows = NULL;
    int rc = books_log(cli->db, NULL, v->of[0], &rows, e);
    for (size_t i = 0; rc == 0 && i < result_count(rows); i++) {
        struct books_entry l = books_entry_at(rows, i);
        const struct present_field all[] = {{"at", l.at, false},
                                            {"actor", l.actor, false},
                                            {"from_step", l.from_step, false},
                                            {"to_step", l.to_step, false},
                                            {"from_status", l.from_status, false},
                                            {"to_status", l.to_status, false},
                                            {"detail", l.detail, false}};
        show(cli, all, ARRAY_LEN(all), true);
    }
    result_free(rows);
    return rc;
}

static int ask(struct cli *cli, const struct argline_values *v, enum saga_input_kind what,
               struct err *e)
{
    char who[SAGA_ID_MAX + 1];
    struct result *rows = NULL;
    char names[1024];
    struct passwd entry;
    struct passwd *user = NULL;
    int failed = getpwuid_r(getuid(), &entry, names, sizeof names, &user);
    snprintf(who, sizeof who, "operator:%s",
             failed == 0 && user != NULL ? user->pw_name : "unknown");
    int rc = books_ask(cli->db, v->of[0], what, who, &rows, e);
    if (rc == 0) {
        show_saga(cli, books_at(rows, 0), cli->json);
        result_free(rows);
    }
    return rc;
}

int sagas_pause(struct cli *cli, const struct argline_values *v, struct err *e)
{
    return ask(cli, v, SAGA_IN_PAUSE, e);
}

int sagas_resume(struct cli *cli, const struct argline_values *v, struct err *e)
{
    return ask(cli, v, SAGA_IN_RESUME, e);
}

int sagas_retry(struct cli *cli, const struct argline_values *v, struct err *e)
{
    return ask(cli, v, SAGA_IN_RETRY, e);
}
