/* trace.h - W3C Trace Context: the text that joins a write, its events and their effects to one trace. Pure.
 * Source: W3C Recommendation "Trace Context", 2021-11-23, section 3.2 (traceparent). */
#ifndef PARKWAY_BASE_TRACE_H
#define PARKWAY_BASE_TRACE_H

#include "base/def.h"

enum { TRACE_TEXT_MAX = 56 }; /* 55 characters and a NUL */

/* trace_parse - whether text is a traceparent: version-traceid-parentid-flags, lower-case hex, ids not all zero.
 * out (may be NULL) becomes its first 55 characters: what a later version adds behind is not passed on. */
bool trace_parse(struct str text, char out[TRACE_TEXT_MAX]);
/* trace_sampled - the flag of a text that trace_parse accepted. */
bool trace_sampled(const char *text);
/* trace_comment - the traceparent of an sqlcommenter comment, traceparent='…', anywhere in the text of a statement's
 * comments. False: none, or not of the form. Source: sqlcommenter specification (OpenTelemetry). */
bool trace_comment(struct str sql, char out[TRACE_TEXT_MAX]);

#endif
