/* A decoder file of anybody's: loaded or refused with a place, and then used. */
#include <stdlib.h>

#include "interpreter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 leaks 4 KiB for a quoted scalar with some doubled quotes in a row (corpus/decoder/quotes). */
const char *__lsan_default_suppressions(void) { return "leak:libfyaml.so"; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const lines[] = {
        "Nov 21 18:44:24 main app[7]: a b=1 from 192.0.2.1 port 22 [x] \"q\" (y)",
        "Nov 21 18:44:24 main sshd[7]: Accepted password for root from ::1 port 1 ssh2",
    };
    struct symbols *symbols = symbols_create();
    struct interpreter *interpreter = interpreter_create(symbols);
    struct record *record = record_create(symbols);
    struct fault fault = {0};
    uint64_t time;
    if (interpreter_add_decoders(interpreter, slice_make(data, size), "fuzz.yaml", &fault)) {
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
            struct event_body body = {.raw = slice_string(lines[i])};
            interpreter_read(interpreter, &body, UINT64_C(1795286664000000), record, &time);
        }
    } else if (fault.text[0] == '\0' || fault.place[0] == '\0')
        abort();
    record_destroy(record);
    interpreter_destroy(interpreter);
    symbols_destroy(symbols);
    return 0;
}
