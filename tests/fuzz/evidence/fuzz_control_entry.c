/* Control entries, their statements and payloads: whatever is read is written back as it was, and may be judged. */
#include <stdlib.h>

#include "control_chain.h"
#include "new_origin.h"
#include "statement_type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good) {
    if (!good)
        abort();
}

static void payload_comes_back(struct slice bytes) {
    struct genesis genesis;
    struct new_origin origin;
    struct person person;
    struct retention_policy retention;
    struct bytes_reader reader = bytes_read(bytes);
    CLEANUP_BUFFER struct buffer again = BUFFER(GENESIS_MOST);
    if (genesis_read(bytes, &genesis, NULL))
        expect(genesis_write(&again, &genesis) && slice_equal(buffer_slice(&again), bytes));
    buffer_clear(&again);
    if (new_origin_read(bytes, &origin, NULL))
        expect(new_origin_write(&again, &origin) && slice_equal(buffer_slice(&again), bytes));
    buffer_clear(&again);
    if (person_read(&reader, &person, NULL))
        expect(person_write(&again, &person) &&
               slice_equal(buffer_slice(&again), slice_head(bytes, again.size)));
    reader = bytes_read(bytes);
    buffer_clear(&again);
    if (retention_policy_read(&reader, &retention, NULL))
        expect(retention_policy_write(&again, &retention) &&
               slice_equal(buffer_slice(&again), slice_head(bytes, again.size)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice bytes = slice_make(data, size);
    struct control_entry entry;
    struct fault fault = {0};
    payload_comes_back(bytes);
    if (!control_entry_read(bytes, &entry, &fault)) {
        expect(fault.code != FAULT_NONE);
        return 0;
    }
    CLEANUP_BUFFER struct buffer again = BUFFER(CONTROL_ENTRY_MOST), statement = BUFFER(CONTROL_ENTRY_MOST);
    expect(control_entry_write(&again, &entry) && slice_equal(buffer_slice(&again), bytes));
    expect(statement_write(&statement, &entry.statement.statement) &&
           slice_equal(buffer_slice(&statement), entry.statement.bytes));
    expect(statement_type_name(entry.statement.statement.type) != NULL);
    payload_comes_back(entry.statement.statement.payload);
    struct control_chain *chain = control_chain_create(NULL);
    if (control_chain_add(chain, bytes, NULL, NULL, NULL)) {
        struct control_verdict verdict;
        expect(!control_chain_judge(chain, &entry.statement, entry.time_us, &verdict, NULL));
    }
    control_chain_destroy(chain);
    return 0;
}
