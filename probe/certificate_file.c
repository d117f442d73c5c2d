#include "certificate_file.h"

#include "der.h"
#include "files.h"

bool certificate_file_read(const char *path, struct buffer *bytes, struct certificate *to, size_t most,
                           size_t *ret_count, struct fault *fault) {
    CLEANUP_BUFFER struct buffer file = BUFFER(CERTIFICATE_FILE_MOST);
    size_t count = 0;
    *bytes = BUFFER(CERTIFICATE_FILE_MOST);
    if (!files_read(path, &file, fault))
        return false;
    if (!certificate_bytes(buffer_slice(&file), SLICE("CERTIFICATE"), bytes, fault))
        return fault_place(fault, "%s", path);
    struct der_reader reader = der_read(buffer_slice(bytes));
    while (der_more(&reader) && count < most) {
        struct slice one = der_take_whole(&reader, DER_SEQUENCE);
        if (!certificate_read(one, &to[count++], fault))
            return fault_place(fault, "%s", path);
    }
    if (reader.failed || count == 0) {
        fault_set(fault, FAULT_FORMAT, "this is no certificate in DER or PEM");
        return fault_place(fault, "%s", path);
    }
    *ret_count = count;
    return true;
}
