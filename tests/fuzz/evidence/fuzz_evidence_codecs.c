/* Entries, parts and class lists: what is taken is written back as it was. */
#include <stdlib.h>

#include "batch_entry.h"
#include "class_list.h"
#include "part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool good) {
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct signing_key *key;
    const uint8_t seed[ED25519_SEED_SIZE] = {1};
    struct slice bytes = slice_make(data, size);
    struct batch_entry entry;
    struct part part;
    struct class_list list;
    struct fault fault;
    uint8_t again[CLASS_LIST_MOST];
    key = key ? key : signing_key_create(seed);
    if (batch_entry_read(bytes, &entry, &fault)) {
        batch_entry_sign(&entry, key, again);
        expect(memcmp(again, data, BATCH_ENTRY_SIGNED) == 0);
    }
    if (part_read(bytes, &part, &fault)) {
        part_sign(&part, key, again);
        expect(memcmp(again, data, PART_SIGNED) == 0);
    }
    if (class_list_read(bytes, &list, &fault))
        expect(slice_equal(slice_make(again, class_list_write(&list, again)), bytes));
    return 0;
}
