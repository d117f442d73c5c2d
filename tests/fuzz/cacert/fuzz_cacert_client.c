/* Whatever a signer sends and whenever, an exchange comes to its end, and its outcome stands once it is decided. */
#include <stdlib.h>

#include "cacert_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_all(struct cacert_client *client, uint64_t now_us) {
    for (struct slice given; (given = cacert_client_give(client)).size;)
        cacert_client_gave(client, given.size > 7 ? 7 : given.size, now_us);
}

/* Commands of one byte: so many bytes that follow are received, or so many tenths of a second pass. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP_BUFFER struct buffer nul = BUFFER(100);
    cacert_nul_write(&nul);
    uint64_t now_us = 1;
    enum cacert_outcome outcome = CACERT_RUNNING;
    struct cacert_times times = cacert_times_default();
    struct cacert_client *client =
        cacert_client_create(buffer_slice(&nul), CACERT_ACTION_NUL, &times, now_us);
    for (size_t at = 0; at < size;) {
        uint8_t command = data[at++];
        if (command < 128) {
            size_t count = command < size - at ? command : size - at;
            cacert_client_take(client, slice_make(data + at, count), now_us);
            at += count;
        } else
            now_us += (command - 127) * UINT64_C(100000);
        cacert_client_tick(client, now_us);
        write_all(client, now_us);
        if (outcome != CACERT_RUNNING && cacert_client_result(client)->outcome != outcome)
            abort();
        outcome = cacert_client_result(client)->outcome;
    }
    for (unsigned ticks = 0; !cacert_client_done(client); ticks++) {
        if (ticks > 100)
            abort();
        now_us = cacert_client_expiry(client) > now_us ? cacert_client_expiry(client) : now_us + 1;
        cacert_client_tick(client, now_us);
        write_all(client, now_us);
    }
    if (cacert_client_result(client)->outcome == CACERT_RUNNING)
        abort();
    cacert_client_destroy(client);
    return 0;
}
