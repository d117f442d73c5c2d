/* A line of key=value pairs as fields of a record.
 *
 * Strict, because free text looks alike: pairs alone, with blanks between them, at least LOGFMT_PAIRS_LEAST. A key is of
 * letters, digits and "_.@-/", and starts with a letter, "_" or "@". A value is a run without blanks and quotes, or stands
 * in double quotes, where \" \\ \n \t mean what they do in C. Unescaped text is written to the record's scratch. */
#ifndef TOCSIN_LOGFMT_FIELDS_H
#define TOCSIN_LOGFMT_FIELDS_H

#include "record.h"

#define LOGFMT_PAIRS_LEAST 2u

/* False for text that is not logfmt: the record is as it was. Names for which `keep` is false are left out. */
bool logfmt_fields_add(struct record *record, struct slice text, bool (*keep)(struct slice name));

#endif
