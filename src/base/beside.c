/* beside.c - see beside.h. Three places, because a program runs from its source tree, from a stack's directory and installed. */
#include "base/beside.h"

#include "base/conf.h"

#include <unistd.h>

/* The path of name in a folder that is named from the one that `beside` is in. */
static void put(struct buf *out, const char *beside, const char *folder, const char *name)
{
    const char *slash = beside != NULL ? strrchr(beside, '/') : NULL;
    buf_reset(out);
    buf_add(out, beside, slash != NULL ? (size_t)(slash - beside) + 1 : 0);
    buf_addf(out, "%s%s", folder, name);
}

void beside_find(struct buf *out, const char *name)
{
    static const char *const folders[] = {"../conf/", "../share/parkway/conf/"};
    if (name[0] == '/') {
        buf_adds(out, name);
        return;
    }
    put(out, conf_path(), "", name);
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(folders) && access(buf_cstr(out), R_OK) != 0; i++) {
        put(out, exe, folders[i], name);
    }
    if (access(buf_cstr(out), R_OK) != 0) {
        put(out, conf_path(), "", name);
    }
}
