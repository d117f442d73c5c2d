#include "weak_keys_file.h"

#include "buffer.h"
#include "files.h"

struct weak_keys *weak_keys_file_read(const char *path, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(WEAK_KEYS_FILE_MOST);
    if (!files_read(path, &text, fault))
        return NULL;
    struct weak_keys *keys = weak_keys_read(buffer_slice(&text), fault);
    if (!keys)
        fault_place(fault, "%s", path);
    return keys;
}
