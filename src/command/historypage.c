/* historypage.c - see historypage.h. */
#include "command/historypage.h"

#include "command/listing.h"
#include "domain/history.h"
#include "domain/ticket.h"

static void write_row(struct json *j, const struct result *rows, size_t i)
{
    struct orderview v = orderview_at(rows, i);
    orderview_write(j, &v);
}

static struct str key_of(const struct result *rows, size_t i)
{
    return orderview_at(rows, i).id;
}

void historypage_list(struct request *q)
{
    static const struct listing all = {
        .page_rows = HISTORY_PAGE, .page_of = history_page, .key = key_of, .write = write_row};
    listing_serve(q, &all);
}

void historypage_details(struct request *q)
{
    request_show(q, history_look, write_row);
}

void historypage_ticket(struct request *q)
{
    request_show(q, ticket_look, ticket_write);
}
