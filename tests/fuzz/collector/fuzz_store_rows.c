/* Rows of the store: agents, streams, rows. What is read is written back the same. The first byte says what it is. */
#include <stdlib.h>

#include "agent_record.h"
#include "row.h"
#include "stream_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good) {
    if (!good)
        abort();
}

static void try_agent(struct slice bytes) {
    struct agent_record record, again;
    struct fault fault = {0};
    if (!agent_record_read(bytes, &record, &fault)) {
        expect(fault.code != FAULT_NONE);
        return;
    }
    CLEANUP_BUFFER struct buffer text = BUFFER(AGENT_RECORD_MOST);
    expect(agent_record_write(&text, &record));
    expect(agent_record_read(buffer_slice(&text), &again, &fault));
    expect(memcmp(record.public_key, again.public_key, 32) == 0 && strcmp(record.name, again.name) == 0);
}

static void try_stream(struct slice bytes) {
    struct stream_row row;
    struct fault fault = {0};
    if (!stream_row_read(bytes, &row, &fault)) {
        expect(fault.code != FAULT_NONE);
        return;
    }
    CLEANUP_BUFFER struct buffer text = BUFFER(1 << 20);
    expect(stream_row_write(&text, &row));
    expect(slice_equal(buffer_slice(&text), bytes));
}

static void try_row(struct slice bytes) {
    struct row row;
    struct fault fault = {0};
    if (!row_read(bytes, &row, &fault)) {
        expect(fault.code != FAULT_NONE);
        return;
    }
    uint8_t head[ROW_HEAD];
    row_head(head, row.kind, row.ingested_us, row.stream_id);
    expect(memcmp(head, bytes.data, ROW_HEAD) == 0 && row.payload.size == bytes.size - ROW_HEAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const tries[])(struct slice) = {try_agent, try_stream, try_row};
    if (size)
        tries[data[0] % 3](slice_make(data + 1, size - 1));
    return 0;
}
