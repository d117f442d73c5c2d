/* Single values out of a JSON object, by the names around them joined with dots: "result.healthy". */
#ifndef TOCSIN_JSON_DOCUMENT_H
#define TOCSIN_JSON_DOCUMENT_H

#include "slice.h"

struct json_document;

/* NULL where the text is not one JSON object (json_fields.h). Borrows the text. */
struct json_document *json_document_read(struct slice text);
struct json_document *json_document_destroy(struct json_document *document); /* NULL */

/* The first value of that name: a string without its quotes, otherwise as it is written. Objects, and arrays as a whole, are
 * no values. Dies with the document. */
bool json_document_find(const struct json_document *document, struct slice name, struct slice *ret_value);
/* The same of strings alone. */
bool json_document_find_text(const struct json_document *document, struct slice name, struct slice *ret_text);

#endif
