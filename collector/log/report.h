/* The collector's own events, put into a change: what happened as a name, details as fields, a sentence for people. */
#ifndef TOCSIN_REPORT_H
#define TOCSIN_REPORT_H

#include "change.h"

struct report_field {
    const char *name;
    const char *value; /* NULL: left out */
};

/* `name` becomes the field tocsin.event ("agent_silent"). `fields` end with a NULL name; the host concerned, where there
 * is one, is the field host.name. */
void report_state(struct change *change, const char *name, const struct report_field *fields, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A text that a statement of this change names by its salted hash alone (`salted` is salt[32] ‖ text): an event named
 * statement_text with the fields text.hash and text.salt, in hexadecimal, and the text as its sentence. Erasable, unlike the
 * statement. False for one that is shorter than its salt or longer than an event may be. */
bool report_text(struct change *change, struct slice salted);

#endif
