/* A JSON object (RFC 8259) as fields of a record: nested names are joined with dots, an array repeats its field, empty
 * objects and arrays leave none.
 *
 * Strict: the whole text is one object, numbers and escapes as the RFC has them, no control characters in strings. Bytes
 * that are not UTF-8 are kept as they are, so that a rule still sees them. Escaped text is written to the record's
 * scratch, everything else borrows. Nothing is allocated. */
#ifndef TOCSIN_JSON_FIELDS_H
#define TOCSIN_JSON_FIELDS_H

#include "record.h"

#define JSON_FIELDS_DEPTH 32u /* objects and arrays in each other */

/* Whether a name (without the prefix) becomes a field. */
typedef bool json_fields_keep(struct slice name);

/* Adds the object's fields, each name behind `prefix` ("tocsin.alert." or empty). `keep` may be NULL: all are kept. False
 * for text that is not one JSON object: the record is as it was. What the record has no room for is left out (full). */
bool json_fields_add(struct record *record, struct slice text, struct slice prefix, json_fields_keep *keep);

#endif
