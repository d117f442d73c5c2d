/* A store's rows, whatever they are: u8 family ‖ u16 key size ‖ key ‖ u16 value size ‖ value, one behind the other. */
#include <stdlib.h>

#include "bytes.h"
#include "store_verifier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void find(void *context, const char *place, const char *text) {
    (void)context;
    if (!*place || !*text)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes_reader reader = bytes_read(slice_make(data, size));
    struct store_verifier *verifier = store_verifier_create(find, NULL);
    while (reader.rest.size && !reader.failed) {
        enum store_family family = (enum store_family)(bytes_read_u8(&reader) % STORE_FAMILIES);
        struct slice key = bytes_read_raw(&reader, bytes_read_u16(&reader));
        struct slice value = bytes_read_raw(&reader, bytes_read_u16(&reader));
        if (!reader.failed)
            store_verifier_row(verifier, family, key, value);
    }
    store_verifier_finish(verifier);
    store_verifier_destroy(verifier);
    return 0;
}
