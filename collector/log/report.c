#include "report.h"

#include <stdarg.h>
#include <stdio.h>

#include "encoding.h"
#include "salted_text.h"

#define FIELDS_MOST 16u

void report_state(struct change *change, const char *name, const struct report_field *fields,
                  const char *format, ...) {
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    struct event_field list[FIELDS_MOST] = {{SLICE("tocsin.event"), slice_string(name)}};
    size_t count = 1;
    for (; fields && fields->name && count < FIELDS_MOST; fields++)
        if (fields->value)
            list[count++] = (struct event_field){slice_string(fields->name), slice_string(fields->value)};
    struct event_body body = {.kind = EVENT_STATE,
                              .source = SLICE("collector"),
                              .raw = slice_string(sentence),
                              .fields = list,
                              .field_count = count};
    change_report(change, CLASS_JOURNAL, &body);
}

bool report_text(struct change *change, struct slice salted) {
    char hash_text[2 * HASH_SIZE + 1], salt_text[2 * TEXT_SALT_SIZE + 1];
    if (salted.size < TEXT_SALT_SIZE || salted.size > TEXT_SALT_SIZE + SALTED_TEXT_MOST)
        return false;
    struct hash hash = sha256_of(salted);
    encoding_hex(hash.bytes, sizeof hash.bytes, hash_text);
    encoding_hex(salted.data, TEXT_SALT_SIZE, salt_text);
    struct event_field fields[] = {{SLICE("tocsin.event"), SLICE("statement_text")},
                                   {SLICE("text.hash"), slice_string(hash_text)},
                                   {SLICE("text.salt"), slice_string(salt_text)}};
    struct event_body body = {.kind = EVENT_STATE,
                              .source = SLICE("collector"),
                              .raw = slice_from(salted, TEXT_SALT_SIZE),
                              .fields = fields,
                              .field_count = sizeof fields / sizeof *fields};
    change_report(change, CLASS_JOURNAL, &body);
    return true;
}
