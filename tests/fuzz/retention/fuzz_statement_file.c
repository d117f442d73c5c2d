/* Files of statements: what is read is written back, and read again as the same; its words may be asked for. */
#include <stdlib.h>

#include "statement_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP_BUFFER struct buffer content = BUFFER(STATEMENT_FILE_MOST), again = BUFFER(STATEMENT_FILE_MOST),
                                 other = BUFFER(STATEMENT_FILE_MOST), words = BUFFER(STATEMENT_WORDS_MOST);
    struct statement_file file, same;
    struct fault fault = {0};
    if (!statement_file_read(slice_make(data, size), &content, &file, &fault)) {
        expect(fault.code != FAULT_NONE);
        return 0;
    }
    expect(statement_file_write(&again, &file) &&
           statement_file_read(buffer_slice(&again), &other, &same, NULL));
    expect(slice_equal(buffer_slice(&content), buffer_slice(&other)));
    expect(statement_words(&words, &file, NULL, &fault) || fault.code != FAULT_NONE);
    return 0;
}
