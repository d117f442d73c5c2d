#include "tcp_judge.h"

#include "encoding.h"

static bool parse_escape(struct slice *rest, uint8_t *ret_byte) {
    static const struct {
        char letter, byte;
    } letters[] = {{'r', '\r'}, {'n', '\n'}, {'t', '\t'}, {'\\', '\\'}};
    if (rest->size < 2)
        return false;
    if (rest->data[1] == 'x') {
        bool good = rest->size >= 4 && encoding_unhex(slice_make(rest->data + 2, 2), ret_byte, 1);
        *rest = slice_from(*rest, 4);
        return good;
    }
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        if (rest->data[1] == (uint8_t)letters[i].letter) {
            *ret_byte = (uint8_t)letters[i].byte;
            *rest = slice_from(*rest, 2);
            return true;
        }
    return false;
}

bool tcp_text_parse(struct slice text, struct buffer *to, struct fault *fault) {
    struct slice rest = text;
    size_t before = to->size;
    while (rest.size) {
        uint8_t byte = rest.data[0];
        if (byte != '\\')
            rest = slice_from(rest, 1);
        else if (!parse_escape(&rest, &byte))
            return fault_set(fault, FAULT_USAGE,
                             "'%.*s': behind a backslash stands r, n, t, xHH or another backslash",
                             SLICE_ARG(slice_head(text, 100)));
        if (to->size - before == TCP_TEXT_MOST || !buffer_append(to, &byte, 1))
            return fault_set(fault, FAULT_LIMIT, "more than %u bytes to be sent or expected", TCP_TEXT_MOST);
    }
    return true;
}

bool tcp_answer_known(struct slice expected, struct slice answer) {
    return slice_find(answer, expected) != SIZE_MAX || answer.size >= TCP_ANSWER_MOST;
}

void tcp_judge(struct slice expected, struct slice answer, const char *why, struct liveness_report *report) {
    char plain[LIVENESS_PLAIN_SIZE], due[LIVENESS_PLAIN_SIZE];
    size_t at = slice_find(answer, expected);
    if (at != SIZE_MAX)
        liveness_check(report, CHECK_TCP_EXPECT, true, "it came, %zu bytes into the answer", at);
    else
        liveness_check(report, CHECK_TCP_EXPECT, false, "%zu bytes without it, then %s: %s", answer.size, why,
                       liveness_plain(answer, plain));
    liveness_due(report, CHECK_TCP_EXPECT, "'%s'", liveness_plain(expected, due));
}
