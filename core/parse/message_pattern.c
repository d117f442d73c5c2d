#include "message_pattern.h"

#include "ip_text.h"
#include "message_pattern_steps.h"

#define NO_MATCH SIZE_MAX

/* What is left of the message, [from, to): the left part of a pattern takes from its start, the right part from its end. */
struct match {
    const uint8_t *data;
    size_t from, to;
    struct message_capture *captures;
    size_t count;
};

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}
static bool is_host(uint8_t c) {
    return is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 26 || c == '.' || c == '-' || c == '_';
}

static size_t host_forward(struct slice text) {
    size_t size = 0;
    while (size < text.size && is_host(text.data[size]))
        size++;
    return size ? size : NO_MATCH;
}

static bool ends(const struct step *step, uint8_t c) {
    return step->ends[c >> 3] >> (c & 7) & 1;
}

static size_t word_forward(const struct step *step, struct slice text) {
    size_t size = 0;
    while (size < text.size && !ends(step, text.data[size]))
        size++;
    return size ? size : NO_MATCH;
}

static size_t digits_forward(struct slice text, size_t at) {
    size_t size = at;
    while (size < text.size && is_digit(text.data[size]))
        size++;
    return size > at ? size : NO_MATCH;
}

static size_t number_forward(struct slice text) {
    size_t sign = text.size && (text.data[0] == '-' || text.data[0] == '+') ? 1 : 0;
    size_t size = digits_forward(text, sign);
    if (size == NO_MATCH || size >= text.size || text.data[size] != '.')
        return size;
    size_t behind = digits_forward(text, size + 1);
    return behind == NO_MATCH ? size : behind;
}

static size_t quoted_forward(struct slice text) {
    if (text.size == 0 || text.data[0] != '"')
        return NO_MATCH;
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i] == '\\')
            i++;
        else if (text.data[i] == '"')
            return i + 1;
    }
    return NO_MATCH;
}

static size_t length_forward(const struct step *step, struct slice text) {
    size_t size;
    switch (step->kind) {
    case STEP_LITERAL:
        return slice_starts(text, step->literal) ? step->literal.size : NO_MATCH;
    case STEP_WORD:
        return word_forward(step, text);
    case STEP_INT:
        return digits_forward(text, text.size && text.data[0] == '-' ? 1 : 0);
    case STEP_NUMBER:
        return number_forward(text);
    case STEP_IP:
        size = ip_text_length(text);
        return size ? size : NO_MATCH;
    case STEP_HOST:
        return host_forward(text);
    case STEP_ADDRESS:
        size = ip_text_length(text);
        return size ? size : host_forward(text);
    case STEP_QUOTED:
        return quoted_forward(text);
    case STEP_UNTIL:
        return slice_find(text, step->literal);
    case STEP_REST:
        return text.size;
    case STEP_OPTIONAL:
    case STEP_TEXT:
        break;
    }
    return NO_MATCH;
}

/* How many bytes at the end of `text` belong to the capture. */
static size_t run_backward(const struct step *step, struct slice text, bool (*belongs)(uint8_t c)) {
    size_t size = 0;
    while (size < text.size && belongs(text.data[text.size - 1 - size]) &&
           !ends(step, text.data[text.size - 1 - size]))
        size++;
    return size ? size : NO_MATCH;
}

static bool in_word(uint8_t c) {
    return !is_blank(c);
}
static bool in_number(uint8_t c) {
    return is_digit(c) || c == '.' || c == '-' || c == '+';
}
static bool in_integer(uint8_t c) {
    return is_digit(c) || c == '-';
}
static bool in_address(uint8_t c) {
    return is_host(c) || c == ':' || c == '%';
}

static size_t ip_backward(struct slice text) {
    size_t size = 0;
    while (size < text.size && in_address(text.data[text.size - 1 - size]))
        size++;
    return size && ip_text_good(slice_from(text, text.size - size)) ? size : NO_MATCH;
}

static size_t quoted_backward(struct slice text) {
    if (text.size < 2 || text.data[text.size - 1] != '"')
        return NO_MATCH;
    for (size_t i = text.size - 1; i-- > 0;)
        if (text.data[i] == '"' && (i == 0 || text.data[i - 1] != '\\'))
            return text.size - i;
    return NO_MATCH;
}

static size_t length_backward(const struct step *step, struct slice text) {
    size_t size;
    switch (step->kind) {
    case STEP_LITERAL:
        size = step->literal.size;
        return size <= text.size && memcmp(text.data + text.size - size, step->literal.data, size) == 0
                   ? size
                   : NO_MATCH;
    case STEP_WORD:
        return run_backward(step, text, in_word);
    case STEP_INT:
        size = run_backward(step, text, in_integer);
        return size != NO_MATCH && length_forward(step, slice_from(text, text.size - size)) == size
                   ? size
                   : NO_MATCH;
    case STEP_NUMBER:
        size = run_backward(step, text, in_number);
        return size != NO_MATCH && number_forward(slice_from(text, text.size - size)) == size ? size
                                                                                              : NO_MATCH;
    case STEP_IP:
        return ip_backward(text);
    case STEP_HOST:
        return run_backward(step, text, is_host);
    case STEP_ADDRESS:
        size = ip_backward(text);
        return size != NO_MATCH ? size : run_backward(step, text, is_host);
    case STEP_QUOTED:
        return quoted_backward(text);
    case STEP_OPTIONAL:
    case STEP_UNTIL:
    case STEP_REST:
    case STEP_TEXT:
        break;
    }
    return NO_MATCH;
}

static void keep(struct match *match, const struct step *step, struct slice value) {
    struct message_capture *capture = &match->captures[match->count];
    bool number = step->kind == STEP_INT || step->kind == STEP_NUMBER;
    bool name = step->kind == STEP_ADDRESS && !ip_text_good(value);
    if (step->symbol == 0)
        return;
    if (step->kind == STEP_QUOTED)
        value = slice_make(value.data + 1, value.size - 2);
    *capture = (struct message_capture){name ? step->other_symbol : step->symbol,
                                        number ? RECORD_NUMBER : RECORD_TEXT, value};
    match->count++;
}

static bool run(struct match *match, const struct step *steps, size_t count, bool forward) {
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        if (step->kind == STEP_OPTIONAL) {
            struct match before = *match;
            if (!run(match, step + 1, step->inner, forward))
                *match = before;
            i += step->inner;
            continue;
        }
        struct slice window = slice_make(match->data + match->from, match->to - match->from);
        size_t size = forward ? length_forward(step, window) : length_backward(step, window);
        if (size == NO_MATCH)
            return false;
        if (step->kind != STEP_LITERAL)
            keep(match, step, slice_make(forward ? window.data : window.data + window.size - size, size));
        if (forward)
            match->from += size;
        else
            match->to -= size;
    }
    return true;
}

static void reverse(struct message_capture *captures, size_t count) {
    for (size_t i = 0; i < count / 2; i++) {
        struct message_capture other = captures[i];
        captures[i] = captures[count - 1 - i];
        captures[count - 1 - i] = other;
    }
}

struct slice message_pattern_head(const struct message_pattern *pattern) {
    return pattern->left && pattern->steps[0].kind == STEP_LITERAL ? pattern->steps[0].literal
                                                                   : (struct slice){NULL, 0};
}

struct slice message_pattern_tail(const struct message_pattern *pattern) {
    const struct step *last = pattern->right ? &pattern->steps[pattern->left] : NULL;
    for (size_t i = 0; !pattern->open && i < pattern->left; i += 1u + pattern->steps[i].inner)
        last = &pattern->steps[i];
    return last && last->kind == STEP_LITERAL ? last->literal : (struct slice){NULL, 0};
}

static bool step_may_start(const struct step *step, uint8_t byte) {
    switch (step->kind) {
    case STEP_LITERAL:
        return step->literal.data[0] == byte;
    case STEP_WORD:
        return !ends(step, byte);
    case STEP_INT:
    case STEP_NUMBER:
        return is_digit(byte) || byte == '-' || byte == '+';
    case STEP_IP:
        return is_host(byte) || byte == ':';
    case STEP_HOST:
        return is_host(byte);
    case STEP_ADDRESS:
        return is_host(byte) || byte == ':';
    case STEP_QUOTED:
        return byte == '"';
    case STEP_OPTIONAL:
    case STEP_UNTIL:
    case STEP_REST:
    case STEP_TEXT:
        break;
    }
    return true;
}

static bool steps_may_start(const struct step *steps, size_t count, bool open, uint8_t byte) {
    for (size_t i = 0; i < count; i += 1u + steps[i].inner) {
        if (steps[i].kind != STEP_OPTIONAL)
            return step_may_start(&steps[i], byte);
        if (steps_may_start(steps + i + 1, steps[i].inner, false, byte))
            return true;
    }
    return open;
}

bool message_pattern_may_start(const struct message_pattern *pattern, uint8_t byte) {
    return steps_may_start(pattern->steps, pattern->left, pattern->open, byte);
}

bool message_pattern_match(const struct message_pattern *pattern, struct slice message,
                           struct message_capture *captures, size_t *ret_count) {
    static const uint8_t nothing;
    while (message.size && is_blank(message.data[message.size - 1]))
        message.size--;
    struct match match = {
        .data = message.size ? message.data : &nothing, .to = message.size, .captures = captures};
    if (!run(&match, pattern->steps, pattern->left, true))
        return false;
    if (pattern->open) {
        size_t before = match.count;
        if (pattern->open_symbol)
            match.count++;
        size_t behind = match.count;
        if (!run(&match, pattern->steps + pattern->left, pattern->right, false))
            return false;
        if (pattern->open_symbol)
            captures[before] =
                (struct message_capture){pattern->open_symbol, RECORD_TEXT,
                                         slice_make(match.data + match.from, match.to - match.from)};
        reverse(captures + behind, match.count - behind);
    } else if (match.from != match.to)
        return false;
    *ret_count = match.count;
    return true;
}
