/* eventpage.h - GET /events: the stream of events, live, as server-sent events.
 *
 *   GET /events?key=order.%23&from=next
 *
 * One event of the page for each message whose routing key fits `key` (a binding key; all without), from `from` on: first, last or next
 * (both: what comes from now on; the default), a position, offset:N or a time (event/tail.h). Its id is the
 * position, its data {"position","key","time","data"}. A client that was cut off sends the last id as Last-Event-ID, as
 * browsers do by themselves, and gets what came behind it. A comment every 15 s shows that the stream lives.
 *
 * At most command.event_streams are open, each with a link to the broker of its own, so that a reader that is slow
 * holds nobody else up; one more is answered with 503. Thread: any worker; eventpage_new and _free main. */
#ifndef PARKWAY_COMMAND_EVENTPAGE_H
#define PARKWAY_COMMAND_EVENTPAGE_H

#include "command/request.h"

struct eventpage;

/* eventpage_new - starts the thread that waits for the broker. */
struct eventpage *eventpage_new(int streams_max);
/* eventpage_free - when no stream is left (after httpd_stop). */
void eventpage_free(struct eventpage *p);
/* eventpage_live - the handler; of the request's own eventpage. */
void eventpage_live(struct request *q);

#endif
