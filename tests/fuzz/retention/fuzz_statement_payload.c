/* Payloads of every type, given by the first byte: in words where they read, and never longer than read. */
#include <stdlib.h>

#include "statement_payload.h"
#include "statement_type.h"
#include "statement_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice anybody(void *context, const struct hash *id) {
    (void)context;
    (void)id;
    return SLICE("somebody");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct statement_names names = {NULL, anybody};
    struct statement_file file = {.origin = SLICE("ca.example/log")};
    CLEANUP_BUFFER struct buffer words = BUFFER(STATEMENT_WORDS_MOST);
    if (size == 0)
        return 0;
    file.statement.statement = (struct statement){.type = data[0] % (STATEMENT_TYPES + 1u),
                                                  .payload = slice_make(data + 1, size - 1)};
    struct fault fault = {0};
    bool good =
        statement_payload_check(file.statement.statement.type, file.statement.statement.payload, &fault);
    if (good != (fault.code == FAULT_NONE))
        abort();
    /* What has words has a good payload. */
    if (statement_words(&words, &file, &names, NULL) && !good)
        abort();
    return 0;
}
