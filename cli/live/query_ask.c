#include "query_ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "query_options.h"

/* Rows come in the order of their arrival. Unless they are followed, they are put into the order of their own time, as
 * long as they fit: past SORT_MOST bytes they are printed as they come. */
#define SORT_MOST (512u * 1024 * 1024)
#define LINE_MOST (4u * 1024 * 1024)

struct sorted_line {
    uint64_t time_us;
    size_t number; /* keeps the order of equal times */
    size_t offset, size;
};

struct output {
    const struct command_context *context;
    struct event_printer *printer;
    bool direct; /* print as they come */
    bool by_ingested;
    bool backward; /* the newest came first */
    struct buffer text;
    struct sorted_line *lines;
    size_t count, capacity;
};

static int by_time(const void *a, const void *b) {
    const struct sorted_line *x = a, *y = b;
    if (x->time_us != y->time_us)
        return x->time_us < y->time_us ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

static void print_sorted(struct output *output) {
    for (size_t i = 0; output->backward && i < output->count; i++)
        output->lines[i].number = output->count - i;
    if (output->count)
        qsort(output->lines, output->count, sizeof *output->lines, by_time);
    for (size_t i = 0; i < output->count; i++)
        fwrite(output->text.data + output->lines[i].offset, 1, output->lines[i].size, stdout);
    output->count = 0;
    buffer_clear(&output->text);
}

static void put_line(struct output *output, uint64_t time_us, size_t offset) {
    if (output->direct) {
        fwrite(output->text.data, 1, output->text.size, stdout);
        buffer_clear(&output->text);
        return;
    }
    if (output->count == output->capacity) {
        output->capacity = output->capacity ? output->capacity * 2 : 1024;
        output->lines = memory_resize(output->lines, output->capacity, sizeof *output->lines);
    }
    output->lines[output->count] =
        (struct sorted_line){time_us, output->count, offset, output->text.size - offset};
    output->count++;
    if (output->text.size > SORT_MOST - LINE_MOST) {
        print_sorted(output);
        output->direct = true;
        fprintf(stderr, "tocsin query: too many to sort: from here on in the order of arrival\n");
    }
}

static bool take_row(void *context, const Tocsin__EventRow *row, bool more) {
    struct output *output = context;
    struct slice stream = slice_string(row->stream);
    struct printed_event printed = {.stream = stream,
                                    .host = slice_head(stream, slice_find_byte(stream, '/')),
                                    .stream_id = row->stream_id.data,
                                    .event = {row->seq, row->time_us, (uint8_t)row->class_,
                                              slice_make(row->body.data, row->body.len)},
                                    .ingested_us = row->ingested_us};
    size_t offset = output->text.size;
    uint64_t time_us = event_printer_append(output->printer, &printed, &output->text);
    put_line(output, output->by_ingested ? row->ingested_us : time_us, offset);
    if (output->direct && !more)
        fflush(stdout);
    return !ferror(stdout);
}

int query_ask(const struct command_context *context, int argc, char **argv, query_find *find, void *finder) {
    Tocsin__EventQuery query;
    tocsin__event_query__init(&query);
    CLEANUP_BUFFER struct buffer expression = BUFFER(64 * 1024);
    struct fault fault = {0};
    if (!query_options_parse(context, argc, argv, &query, &expression, &fault))
        return command_fail("query", &fault);
    struct output output = {.context = context,
                            .printer = event_printer_create(context),
                            .direct = query.follow,
                            .by_ingested = query.by_ingested,
                            .backward = query.limit > 0,
                            .text = BUFFER(SORT_MOST + LINE_MOST)};
    uint64_t count = 0;
    bool good = find(finder, context, &query, output.printer, take_row, &output, &count, &fault);
    print_sorted(&output);
    free(output.lines);
    buffer_free(&output.text);
    good = event_printer_good(output.printer, &fault) && good;
    event_printer_destroy(output.printer);
    if (!good)
        return command_fail("query", &fault);
    if (query.count)
        printf("%" PRIu64 "\n", count);
    return EXIT_GOOD;
}
