/* A syslog header and its structured data: everything points into the line. */
#include <stdlib.h>

#include "syslog_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice part, const uint8_t *data, size_t size) {
    if (part.size && (part.data < data || part.data + part.size > data + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct syslog_header header;
    uint8_t text[4096];
    if (!syslog_header_parse(slice_make(data, size), UINT64_C(1795286664000000), 60, &header))
        return 0;
    inside(header.host, data, size);
    inside(header.program, data, size);
    inside(header.process, data, size);
    inside(header.message, data, size);
    struct slice id = {NULL, 0}, name, value;
    while (syslog_data_next(&header.data, &id, &name, &value)) {
        inside(name, data, size);
        if (value.size <= sizeof text && syslog_data_unescape(value, text) > value.size)
            abort();
    }
    return 0;
}
