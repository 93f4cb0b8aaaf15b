/* member.h - looking into a small JSON object without building it: the raw text of one member.
 *
 * For messages of a few members (reports of replicas, table-less events), where a value must be
 * passed on exactly as it was written. Pure; results borrow the text. RFC 8259; nesting is bounded
 * at MEMBER_DEPTH_MAX, deeper is refused. */
#ifndef PARKWAY_EVENT_MEMBER_H
#define PARKWAY_EVENT_MEMBER_H

#include "base/buf.h"

enum { MEMBER_DEPTH_MAX = 256 };

/* member_check - whether text is one JSON value and nothing else. */
bool member_check(struct str text);
/* member_find - the value of the first member called key (written without escapes) of the object text,
 * which member_check accepted; p NULL when there is none or text is no object. */
struct str member_find(struct str text, const char *key);
/* member_next - walks the members of an object: *at starts at 0; key is raw, inside its quotes. */
bool member_next(struct str text, size_t *at, struct str *key, struct str *value);
/* member_item - walks the elements of an array: *at starts at 0. */
bool member_item(struct str text, size_t *at, struct str *value);
/* member_text - appends the string that a raw JSON string stands for; false when raw is no string
 * or holds \u0000 or half a surrogate pair. */
bool member_text(struct str raw, struct buf *out);
/* member_texts - the members called names[0..count) as texts in one buffer, which is emptied first: *out[i] borrows it. Returns how many were
 * there, in their order: less than count means that names[that] is missing or no text, and nothing in out counts. */
size_t member_texts(struct str object, const char *const *names, size_t count,
                    struct buf *texts, struct str *const *out);

#endif
