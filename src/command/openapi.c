/* openapi.c - see openapi.h. The document is a file of people's, conf/openapi.json, and is built into the program, so that the two are
 * of one version and nothing has to be found at run time. flow/openapi holds it against the table of routes. */
#include "command/openapi.h"

/* The assembler's own directive for that; C has none before C23 (#embed). */
__asm__(".section .rodata\n"
        "openapi_text:\n"
        ".incbin \"conf/openapi.json\"\n"
        "openapi_text_end:\n"
        ".balign 8\n"
        "openapi_size:\n"
        ".8byte openapi_text_end - openapi_text\n"
        ".previous\n");

extern const char openapi_text[] __attribute__((visibility("hidden")));
extern const uint64_t openapi_size __attribute__((visibility("hidden")));

void openapi_page(struct request *q)
{
    buf_add(&q->reply->body, openapi_text, openapi_size);
}
