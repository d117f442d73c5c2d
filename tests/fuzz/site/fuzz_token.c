/* A join token, as somebody pastes it: what is taken is exactly one text. */
#include <stdlib.h>

#include "encoding.h"
#include "token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct token token;
    struct fault fault = {0};
    if (!token_parse(slice_make(data, size), &token, &fault)) {
        if (fault.code != FAULT_USAGE)
            abort();
        return 0;
    }
    uint8_t bytes[TOKEN_SECRET_SIZE + TOKEN_PIN_SIZE];
    memcpy(bytes, token.secret, TOKEN_SECRET_SIZE);
    memcpy(bytes + TOKEN_SECRET_SIZE, token.pin, TOKEN_PIN_SIZE);
    CLEANUP_BUFFER struct buffer text = BUFFER(128);
    encoding_base64(&text, slice_make(bytes, sizeof bytes));
    if (!slice_equal(buffer_slice(&text), slice_make(data, size)))
        abort();
    return 0;
}
