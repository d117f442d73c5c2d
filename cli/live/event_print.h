/* An event on the screen or as JSON: `tocsin query`, decode and detect. */
#ifndef TOCSIN_EVENT_PRINT_H
#define TOCSIN_EVENT_PRINT_H

#include "command.h"
#include "knowledge.h"

/* Decoders and rules as the site's collector has them; without a site, the shipped ones. */
struct knowledge *event_print_knowledge(const struct command_context *context, bool rules, struct fault *fault);

struct event_printer;
struct event_printer *event_printer_create(const struct command_context *context);
struct event_printer *event_printer_destroy(struct event_printer *printer); /* returns NULL */
/* Decoders as the site's collector has them: loaded when they are first needed, which a line with its time in front is not
 * printed with. NULL and a fault where they cannot be loaded. */
const struct knowledge *event_printer_knowledge(struct event_printer *printer, struct fault *fault);
/* False with the fault where they were needed and could not be loaded. */
bool event_printer_good(const struct event_printer *printer, struct fault *fault);

struct printed_event {
    struct slice stream, host;
    const uint8_t *stream_id; /* 32 bytes; NULL: of a file, no id */
    struct event event;
    uint64_t ingested_us;
};
/* Appends one line, its newline included. Returns the event's own time: the line's where it tells one. */
uint64_t event_printer_append(struct event_printer *printer, const struct printed_event *printed, struct buffer *to);

/* Text from another machine, made fit for a terminal: control characters as \xNN. */
void event_print_append(struct buffer *to, struct slice text);
void event_print_text(struct slice text); /* on standard output */

#endif
