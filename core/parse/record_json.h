/* A record as one JSON object, nested as ECS documents are: process.name and process.pid are {"process":{"name":…,"pid":…}}.
 *
 * Members come in the order in which their first field does. A field that stands several times is an array. Where a name
 * is a value and a prefix of other names at once (a and a.b), the value keeps its name and the others stay dotted beside
 * it ("a":…, "a.b":…), so nothing is lost. The output is always valid JSON and UTF-8: bytes that are not UTF-8 become
 * U+FFFD, control characters (C1 too) are escaped, a number that JSON cannot write is a string. No newline at the end. */
#ifndef TOCSIN_RECORD_JSON_H
#define TOCSIN_RECORD_JSON_H

#include "buffer.h"
#include "record.h"

#define RECORD_JSON_DEPTH 16u /* levels; the rest of a deeper name stays dotted */
#define RECORD_JSON_FRONT 32u /* fields in front; more are left out */

/* False if the buffer's limit was passed. */
bool record_json_write(struct buffer *to, const struct record *record);

/* The same, with fields that the caller adds: they stand first, and the record's fields of the same name are left out
 * (id, @timestamp, event.ingested, host.name … of `tocsin query`). Their symbol is not looked at. */
bool record_json_write_with(struct buffer *to, const struct record_field *front, size_t front_count,
                            const struct record *record);

/* One string with its quotes. */
bool record_json_string(struct buffer *to, struct slice text);

#endif
