/* tocsin query: searches events. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "class.h"
#include "event_print.h"
#include "reader.h"

static bool parse(const struct command_context *context, int argc, char **argv, Tocsin__EventQuery *query,
                  struct buffer *expression, struct fault *fault) {
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(word, "--follow") == 0) {
            query->follow = true;
        } else if (strcmp(word, "--count") == 0) {
            query->count = true;
        } else if (strncmp(word, "--", 2) != 0) {
            buffer_append_string(expression, expression->size ? " " : "");
            buffer_append_string(expression, word);
        } else if (strcmp(word, "--") == 0) {
            continue;
        } else if (!value) {
            return fault_set(fault, FAULT_USAGE, "'%s' is not known or lacks its value", word);
        } else if (strcmp(word, "--since") == 0 || strcmp(word, "--until") == 0) {
            uint64_t *time = word[2] == 's' ? &query->since_us : &query->until_us;
            if (!command_time(slice_string(value), context->now_us, time, fault))
                return fault_place(fault, "%s", word);
            i++;
        } else if (strcmp(word, "--class") == 0) {
            enum event_class class;
            if (!class_by_name(slice_string(value), &class))
                return fault_set(fault, FAULT_USAGE, "there is no class '%.40s'", value);
            query->class_ = value;
            i++;
        } else if (strcmp(word, "--host") == 0) {
            query->host = value;
            i++;
        } else if (strcmp(word, "--limit") == 0) {
            if (!slice_decimal(slice_string(value), &query->limit))
                return fault_set(fault, FAULT_USAGE, "--limit takes a number");
            i++;
        } else if (strcmp(word, "--by") == 0 && strcmp(value, "ingested") == 0) {
            query->by_ingested = true;
            i++;
        } else
            return fault_set(fault, FAULT_USAGE, "'%s' is not known", word);
    }
    query->expression = (char *)(uintptr_t)buffer_string(expression);
    return true;
}

static void print_row(struct event_printer *printer, struct slice message) {
    Tocsin__EventRow *row = tocsin__event_row__unpack(NULL, message.size, message.data);
    if (!row || row->stream_id.len != 32) {
        if (row)
            tocsin__event_row__free_unpacked(row, NULL);
        return;
    }
    struct slice stream = slice_string(row->stream);
    struct printed_event printed = {.stream = stream,
                                    .host = slice_head(stream, slice_find_byte(stream, '/')),
                                    .stream_id = row->stream_id.data,
                                    .event = {row->seq, row->time_us, (uint8_t)row->class_,
                                              slice_make(row->body.data, row->body.len)},
                                    .ingested_us = row->ingested_us};
    event_printer_print(printer, &printed);
    tocsin__event_row__free_unpacked(row, NULL);
}

static int run(const struct command_context *context, Tocsin__EventQuery *query) {
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    request.of_case = TOCSIN__REQUEST__OF_EVENTS;
    request.events = query;
    struct fault fault = {0};
    struct knowledge *knowledge = event_print_knowledge(context, false, &fault);
    struct reader *reader = knowledge ? reader_open(context, &request, &fault) : NULL;
    if (!reader) {
        knowledge_destroy(knowledge);
        return command_fail("query", &fault);
    }
    struct event_printer *printer = event_printer_create(context, knowledge);
    struct frame frame;
    uint64_t count = 0;
    while (reader_next(reader, &frame, &count, &fault)) {
        if (frame.type == FRAME_EVENT_ROW)
            print_row(printer, frame.message);
        if (query->follow && !reader_has_more(reader))
            fflush(stdout);
        if (ferror(stdout))
            break;
    }
    event_printer_destroy(printer);
    reader_close(reader);
    knowledge_destroy(knowledge);
    if (fault.code)
        return command_fail("query", &fault);
    if (query->count)
        printf("%" PRIu64 "\n", count);
    return EXIT_GOOD;
}

int command_query(const struct command_context *context, int argc, char **argv) {
    Tocsin__EventQuery query = TOCSIN__EVENT_QUERY__INIT;
    CLEANUP_BUFFER struct buffer expression = BUFFER(64 * 1024);
    struct fault fault = {0};
    if (!parse(context, argc, argv, &query, &expression, &fault))
        return command_fail("query", &fault);
    return run(context, &query);
}
