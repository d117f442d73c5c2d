/* Lists of weak keys: whatever stands in one, it is told or it can be asked. */
#include <stdlib.h>

#include "weak_keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fault fault = {0};
    struct weak_keys *keys = weak_keys_read(slice_make(data, size), &fault);
    if (keys ? weak_keys_count(keys) == 0 : fault.text[0] == '\0')
        abort();
    if (keys)
        weak_keys_have(keys, slice_make(data, size), slice_make(data, size / 2));
    weak_keys_destroy(keys);
    return 0;
}
