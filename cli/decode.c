/* tocsin decode: the fields of each line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "command.h"
#include "file_options.h"
#include "lines.h"
#include "record_json.h"

#define JSON_MOST (4u * 1024 * 1024)

struct decoding {
    const struct command_context *context;
    const struct knowledge *knowledge;
    struct record *record;
    struct buffer json;
};

static bool decode_line(void *context, const struct lines_item *item) {
    struct decoding *decoding = context;
    struct event_body body;
    uint64_t line_us;
    char time[CALENDAR_TEXT_SIZE];
    lines_event(item, &body);
    interpreter_read(decoding->knowledge->interpreter, &body, decoding->context->now_us, decoding->record, &line_us);
    calendar_text(line_us, time);
    struct record_field front = {0, RECORD_TEXT, SLICE("@timestamp"), slice_string(time)};
    buffer_clear(&decoding->json);
    record_json_write_with(&decoding->json, &front, line_us ? 1 : 0, decoding->record);
    fwrite(decoding->json.data, 1, decoding->json.size, stdout);
    putchar('\n');
    return !ferror(stdout);
}

int command_decode(const struct command_context *context, int argc, char **argv) {
    struct file_options options;
    struct fault fault = {0};
    if (!file_options_parse(argc, argv, &options, &fault))
        return command_fail("decode", &fault);
    struct decoding decoding = {.context = context, .json = BUFFER(JSON_MOST)};
    struct knowledge *knowledge = file_options_knowledge(context, &options, false, &fault);
    decoding.knowledge = knowledge;
    int result = EXIT_GOOD;
    if (knowledge) {
        decoding.record = record_create(knowledge->symbols);
        uint64_t cut;
        for (size_t i = 0; i < options.file_count && !fault.code; i++)
            lines_read(options.files[i], decode_line, &decoding, &cut, &fault);
    }
    if (fault.code)
        result = command_fail("decode", &fault);
    record_destroy(decoding.record);
    knowledge_destroy(knowledge);
    buffer_free(&decoding.json);
    file_options_free(&options);
    return result;
}
