/* Whatever the bytes and in whatever steps they are shown: the pieces consume all of them, in order, none twice, and
 * joined records are the same however the bytes came. */
#include <stdint.h>
#include <stdlib.h>

#include "memory.h"
#include "multiline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is small and limits are large: each byte stands for a run of itself. */
static uint8_t *stretch(const uint8_t *data, size_t size, unsigned times, size_t *ret_size) {
    uint8_t *bytes = memory_new(size * times + 1);
    size_t at = 0;
    for (size_t i = 0; i < size; i++)
        for (unsigned k = 0; k < (data[i] == '\n' ? 1 : times); k++)
            bytes[at++] = data[i];
    *ret_size = at;
    return bytes;
}

static size_t walk(const struct multiline *multiline, struct slice bytes, size_t step) {
    struct line_state state = {0};
    struct multiline_state joined = {0};
    size_t shown = 0, at = 0, pieces = 0;
    for (;;) {
        struct slice rest = slice_make(bytes.data + at, shown - at);
        struct line_piece piece;
        bool final = shown == bytes.size;
        if (multiline)
            multiline_next(multiline, &state, &joined, rest, false, final, &piece);
        else
            line_cut_next(&state, rest, final, &piece);
        if (piece.consumed > rest.size || piece.text.size > SOURCE_LINE_MOST)
            abort();
        if (piece.text.size && (piece.text.data != rest.data || piece.text.size > piece.consumed))
            abort();
        if (piece.kind == LINE_PIECE_MORE) {
            if (!final && rest.size > MULTILINE_WINDOW)
                abort(); /* enough was shown */
            if (final)
                break;
            shown = shown + step < bytes.size ? shown + step : bytes.size;
            continue;
        }
        pieces += piece.kind != LINE_PIECE_PASSED;
        line_cut_take(&state, &piece);
        at += piece.consumed;
    }
    if (at != bytes.size || state.hole || state.fragment)
        abort();
    return pieces;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3 || size > 500)
        return 0;
    struct fault fault;
    struct multiline *multiline =
        multiline_create(&(struct multiline_settings){.start = "^[A-Z]", .lines_most = 5}, &fault);
    size_t stretched;
    uint8_t *bytes = stretch(data + 2, size - 2, 1 + data[0] * 8u, &stretched);
    struct slice all = slice_make(bytes, stretched);
    size_t step = 1 + stretched / (1 + data[1] % 64u);
    if (walk(NULL, all, step) != walk(NULL, all, stretched + 1))
        abort();
    if (walk(multiline, all, step) != walk(multiline, all, stretched + 1))
        abort();
    free(bytes);
    multiline_destroy(multiline);
    return 0;
}
