/* Signed statements and rotations: what is read is written back as it was; whatever is read may be checked. */
#include <stdlib.h>

#include "rotation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good) {
    if (!good)
        abort();
}

static void statement_comes_back(const struct signed_statement *read, struct slice bytes) {
    CLEANUP_BUFFER struct buffer again = BUFFER(1u << 20), statement = BUFFER(1u << 20);
    expect(signed_statement_write(&again, read) && slice_equal(buffer_slice(&again), bytes));
    expect(statement_write(&statement, &read->statement) &&
           slice_equal(buffer_slice(&statement), read->bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice bytes = slice_make(data, size);
    struct signed_statement statement;
    struct rotation rotation;
    struct fault fault = {0};
    if (signed_statement_read(bytes, &statement, &fault))
        statement_comes_back(&statement, bytes);
    if (!rotation_read(bytes, &rotation, &fault))
        return 0;
    /* The place that the statement itself names, so that as much as can be is looked at. */
    const struct rotation_place place = {&rotation.statement.statement.log, rotation.name, &rotation.old_key,
                                         &rotation.old_key, rotation.epoch - 1};
    enum check check = rotation_check(&rotation, &place, &fault);
    expect(!check_good(check) || check_good(rotation_check_signed(&rotation, &fault)));
    return 0;
}
