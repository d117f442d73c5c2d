#include "report.h"

#include <stdarg.h>
#include <stdio.h>

#define FIELDS_MOST 16u

void report_state(struct change *change, const char *name, const struct report_field *fields, const char *format,
                  ...) {
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
