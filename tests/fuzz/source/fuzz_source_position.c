/* Positions out of a spool: whatever is taken is written back as the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "file_position.h"
#include "journal_position.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice bytes = slice_make(data, size), path;
    struct file_position file;
    struct journal_position journal;
    struct journal_cursor cursor;
    struct fault fault;
    struct buffer again = BUFFER(SOURCE_POSITION_MOST);
    if (file_position_read(bytes, &file, &path, &fault)) {
        char key[FILE_KEY_MOST];
        if (!file_position_write(&file, path, &again) || !slice_equal(bytes, buffer_slice(&again)))
            abort();
        if (file_position_key(&file, path, key).size >= FILE_KEY_MOST)
            abort();
    }
    buffer_clear(&again);
    if (journal_position_read(bytes, &journal, &fault) &&
        (!journal_position_write(&journal, &again) || !slice_equal(bytes, buffer_slice(&again))))
        abort();
    (void)journal_cursor_read(bytes, &cursor);
    buffer_free(&again);
    return 0;
}
