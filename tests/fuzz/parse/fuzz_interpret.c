/* An event's body, malformed or not, through the shipped decoders and out as JSON. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "encoding.h"
#include "interpreter.h"
#include "record_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct interpreter *interpreter;
static struct record *record;

static void add_file(const char *path) {
    static char text[256 * 1024];
    struct fault fault;
    FILE *file = fopen(path, "rb");
    if (!file || !interpreter_add_decoders(interpreter, slice_make(text, fread(text, 1, sizeof text, file)),
                                           path, &fault))
        abort();
    fclose(file);
}

/* Once; the shipped decoders are found from the source's top folder. */
static void set_up(void) {
    static struct symbols *symbols;
    glob_t found;
    symbols = symbols_create();
    interpreter = interpreter_create(symbols);
    record = record_create(symbols);
    if (glob("rules/decoders/*.yaml", 0, NULL, &found) != 0)
        abort();
    for (size_t i = 0; i < found.gl_pathc; i++)
        add_file(found.gl_pathv[i]);
    globfree(&found);
}

/* The first byte says whether a body follows or the raw line alone, which is found much sooner. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct event_field fields[EVENT_FIELDS_MOST];
    struct event_body body = {0};
    struct fault fault;
    uint64_t time;
    if (!interpreter)
        set_up();
    if (size == 0)
        return 0;
    if (data[0] == 'L')
        body.raw = slice_make(data + 1, size - 1);
    else if (!event_body_read(slice_make(data + 1, size - 1), fields, &body, &fault))
        return 0;
    interpreter_read(interpreter, &body, UINT64_C(1795286664000000), record, &time);
    CLEANUP_BUFFER struct buffer json = BUFFER(16u * 1024 * 1024);
    if (!record_json_write(&json, record) || !encoding_is_utf8(buffer_slice(&json)))
        abort();
    return 0;
}
