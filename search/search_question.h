/* Whether one event is what an expression asks for, as a search answers it: by its line, and by its fields as the decoders read
 * them.
 *
 * Owner: whoever created it; one thread. The knowledge is borrowed for its life. */
#ifndef TOCSIN_SEARCH_QUESTION_H
#define TOCSIN_SEARCH_QUESTION_H

#include "class.h"
#include "event.h"
#include "knowledge.h"

struct search_question;

/* NULL with a fault whose place is "column N" for what is no expression. Copies the text. */
struct search_question *search_question_create(const struct knowledge *knowledge, struct slice expression,
                                               struct fault *fault);
struct search_question *search_question_destroy(struct search_question *question); /* returns NULL */

/* `stream`: its name, HOST or HOST/bulk. A body that does not read is not ruled out. */
bool search_question_asks(struct search_question *question, const struct event *event, struct slice stream);

/* What a search knows of an event beside its body: host.name, tocsin.class, tocsin.stream. The collector's own events may be about
 * another host. */
void search_name_event(struct record *record, struct slice stream, uint8_t class);

#endif
