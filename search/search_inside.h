/* One search under way: what is looked for, and what was found. Private to this folder. */
#ifndef TOCSIN_SEARCH_INSIDE_H
#define TOCSIN_SEARCH_INSIDE_H

#include "events.h"
#include "query_expression.h"
#include "row.h"
#include "search.h"
#include "stream_names.h"

struct search {
    struct search_ground ground;
    struct search_asker asker;
    const Tocsin__EventQuery *query;
    struct query_expression *expression;
    struct stream_names *names;
    struct events_opener *opener;
    struct record *record;
    struct event_field *fields;
    int class; /* -1: any */
    uint64_t until_us;
    bool by_line;       /* a bound is given, and it is for the line's own time: every event is decoded */
    bool backward;      /* the newest rows first: a limit asks for the newest events */
    struct event *hits; /* of one block, while going backward */
    uint64_t found;
    bool ended;          /* enough, or the reader has gone */
    struct fault damage; /* the first sealed block that could not be read */
};

/* A line may have been written long before it was read, but hardly after it (clocks differ by less than a day). */
#define LINE_AFTER_READ_US (86400u * UINT64_C(1000000))

bool search_stopping(const struct search *search);
bool search_within(const struct search *search, uint64_t time_us);
/* Whether the event is one that is looked for: its own time and what it says. */
bool search_matches(const struct search *search, const struct event *event, const struct event_body *body,
                    const struct stream_name *name);
/* Of the row, stream and time of arrival count. */
void search_give(struct search *search, const struct event *event, const struct row *row,
                 const struct stream_name *name);
/* A hot row. */
void search_row(struct search *search, struct slice value);

#endif
