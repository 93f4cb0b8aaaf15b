/* shell.c - see shell.h. The only file that knows libedit. The prompt is written only where stdin and
 * stdout are terminals, so that a pipe's output is results alone. What a terminal's sessions were asked is kept in
 * ~/.cqrs_history, the newest HISTORY_MAX lines, readable by its user alone: an address or a name may stand in it. Of two
 * sessions at once the file has what the one remembers that was asked last. */
#include "cli/shell.h"

#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY_MAX = 500 };

struct shell {
    struct cli *cli;
    struct argline words;
    int status; /* of the last command that failed */
};

/* One line; false when it asks to leave. */
static bool run_line(struct shell *s, struct str line)
{
    struct err e = ERR_INIT;
    int status = 0;
    if (argline_split(&s->words, line, &e) != 0) {
        fprintf(stderr, "error: %s\n", e.text);
        status = err_exit(e.code);
    } else if (s->words.count > 0) {
        struct str first = s->words.words[0];
        if (str_eq(first, STR("exit")) || str_eq(first, STR("quit"))) {
            return false;
        }
        status = verbs_run(s->cli, s->words.words, s->words.count);
    }
    s->status = status != 0 ? status : s->status;
    return true;
}

static void run_pipe(struct shell *s)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    while ((n = getline(&line, &size, stdin)) >= 0 &&
           run_line(s, (struct str){line, (size_t)n})) {
    }
    free(line);
}

static char *prompt(EditLine *el)
{
    UNUSED(el);
    static char text[] = "cqrs> ";
    return text;
}

/* How many of the names that a cursor calls for begin with `typed`, and how much they have in common. */
struct candidates {
    struct str typed;
    struct buf common;
    struct buf list;
    size_t count;
};

static void consider(struct candidates *c, const char *prefix, const char *name,
                     const char *end)
{
    struct buf full = BUF_INIT;
    buf_addf(&full, "%s%s%s", prefix, name, end);
    struct str f = buf_str(&full);
    if (f.n >= c->typed.n && argline_same((struct str){f.p, c->typed.n}, c->typed)) {
        buf_addf(&c->list, "%s%.*s", c->count > 0 ? "  " : "", STR_ARG(f));
        if (c->count++ == 0) {
            buf_addstr(&c->common, f);
        } else {
            size_t n = 0;
            while (n < c->common.len && n < f.n && buf_data(&c->common)[n] == f.p[n]) {
                n++;
            }
            buf_truncate(&c->common, n);
        }
    }
    buf_fini(&full);
}

/* The first word is a command's name, later ones are its options. */
static void collect(struct candidates *c, struct str before)
{
    struct argline words;
    struct err e = ERR_INIT;
    argline_init(&words);
    if (argline_split(&words, before, &e) == 0 && words.count == 0) {
        for (size_t i = 0; i < verbs_count; i++) {
            consider(c, "", verbs[i].name, " ");
        }
        consider(c, "", "help", " ");
        consider(c, "", "exit", "");
    } else if (words.count > 0) {
        bool help = str_eq(words.words[0], STR("help"));
        const struct verb *v = verbs_find(words.words[0]);
        for (size_t i = 0; help && i < verbs_count; i++) {
            consider(c, "", verbs[i].name, " ");
        }
        for (size_t i = 0; v != NULL && i < v->param_count; i++) {
            consider(c, "--", v->params[i].name, "=");
        }
    }
    argline_fini(&words);
}

static unsigned char complete(EditLine *el, int ch)
{
    UNUSED(ch);
    const LineInfo *line = el_line(el);
    size_t n = (size_t)(line->cursor - line->buffer);
    size_t from = n;
    while (from > 0 && line->buffer[from - 1] != ' ') {
        from--;
    }
    struct candidates c = {.typed = {line->buffer + from, n - from}};
    collect(&c, (struct str){line->buffer, from});
    unsigned char done = CC_ERROR;
    if (c.count > 0 && c.common.len > c.typed.n) {
        el_deletestr(el, (int)c.typed.n);
        done = el_insertstr(el, buf_cstr(&c.common)) == 0 ? CC_REFRESH : CC_ERROR;
    } else if (c.count > 1) {
        printf("\n%s\n", buf_cstr(&c.list));
        fflush(stdout);
        done = CC_REDISPLAY;
    }
    buf_fini(&c.common);
    buf_fini(&c.list);
    return done;
}

/* False: there is no home. */
static bool history_file(struct buf *out)
{
    const char *home = getenv("HOME");
    buf_addf(out, "%s/.cqrs_history", home != NULL ? home : "");
    return home != NULL && home[0] == '/';
}

/* A new file beside, so that an interruption leaves the old one whole. */
static void history_keep(History *past, const char *path)
{
    struct buf fresh = BUF_INIT;
    HistEvent ev;
    buf_addf(&fresh, "%s.new", path);
    mode_t mask = umask(0077);
    (void)!unlink(buf_cstr(&fresh));
    if (history(past, &ev, H_SAVE, buf_cstr(&fresh)) < 0 ||
        rename(buf_cstr(&fresh), path) != 0) {
        (void)!unlink(buf_cstr(&fresh));
    }
    umask(mask);
    buf_fini(&fresh);
}

static void run_terminal(struct shell *s)
{
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1) {
        setlocale(LC_CTYPE, "C.UTF-8"); /* or the editor would cut letters into bytes */
    }
    EditLine *el = el_init("cqrs", stdin, stdout, stderr);
    History *past = history_init();
    HistEvent ev;
    struct buf file = BUF_INIT;
    bool kept = history_file(&file);
    history(past, &ev, H_SETSIZE, HISTORY_MAX);
    history(past, &ev, H_SETUNIQUE, 1); /* the same again is one line */
    if (kept) {
        history(past, &ev, H_LOAD, buf_cstr(&file));
    }
    el_set(el, EL_PROMPT, prompt);
    el_set(el, EL_EDITOR, "emacs");
    el_set(el, EL_SIGNAL, 1);
    el_set(el, EL_HIST, history, past);
    el_set(el, EL_ADDFN, "cqrs-complete", "complete commands and options", complete);
    el_set(el, EL_BIND, "^I", "cqrs-complete", NULL);
    /* the terminal makes a NUL of a ^D that was typed while a command ran; so ^Space ends the input, too */
    el_set(el, EL_BIND, "^@", "em-delete-or-list", NULL);
    const char *line;
    int n;
    bool on = true;
    /* first the mode, then the prompt: who sees it may type ^D, which the terminal would take else */
    while (on && el_set(el, EL_PREP_TERM, 1) == 0 && (line = el_gets(el, &n)) != NULL &&
           n > 0) {
        if (line[0] != '\n') {
            history(past, &ev, H_ENTER, line);
            if (kept) { /* at once: a session may end in any way */
                history_keep(past, buf_cstr(&file));
            }
        }
        on = run_line(s, (struct str){line, (size_t)n});
    }
    if (on) {
        printf("\n");
    }
    buf_fini(&file);
    history_end(past);
    el_end(el);
}

int shell_main(struct cli *cli)
{
    struct shell s = {.cli = cli};
    argline_init(&s.words);
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
        run_terminal(&s);
    } else {
        run_pipe(&s);
    }
    argline_fini(&s.words);
    return s.status;
}
