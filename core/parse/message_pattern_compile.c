#include <stdlib.h>

#include "memory.h"
#include "message_pattern_steps.h"

static const struct {
    const char *name;
    enum step_kind kind;
} types[] = {
    {"word", STEP_WORD},   {"int", STEP_INT},   {"number", STEP_NUMBER},   {"ip", STEP_IP},
    {"host", STEP_HOST},   {"text", STEP_TEXT}, {"address", STEP_ADDRESS}, {"quoted", STEP_QUOTED},
    {"until", STEP_UNTIL}, {"rest", STEP_REST},
};
#define TYPES_LISTED "word, int, number, ip, host, address, quoted, until, rest, text"

struct compiler {
    struct slice text;
    size_t at;
    struct symbols *symbols;
    struct fault *fault;
    struct step steps[MESSAGE_PATTERN_STEPS_MOST];
    size_t offsets[MESSAGE_PATTERN_STEPS_MOST]; /* where in the text each step stands */
    size_t count;
    size_t captures;
    size_t open; /* the index of the text capture; MESSAGE_PATTERN_STEPS_MOST for none */
    unsigned nest;
    uint8_t *literals;
    size_t literals_used;
};

static bool at_byte(const struct compiler *compiler, size_t offset, uint8_t byte) {
    size_t at = compiler->at + offset;
    return at < compiler->text.size && compiler->text.data[at] == byte;
}

static struct step *new_step(struct compiler *compiler, enum step_kind kind) {
    if (compiler->count == MESSAGE_PATTERN_STEPS_MOST) {
        fault_set(compiler->fault, FAULT_LIMIT, "a pattern of more than %u pieces",
                  MESSAGE_PATTERN_STEPS_MOST);
        return NULL;
    }
    compiler->offsets[compiler->count] = compiler->at;
    struct step *step = &compiler->steps[compiler->count++];
    *step = (struct step){.kind = kind};
    return step;
}

static bool place_fault(struct compiler *compiler, size_t index, const char *text) {
    compiler->at = compiler->offsets[index];
    return fault_set(compiler->fault, FAULT_FORMAT, "%s", text);
}

static bool read_literal(struct compiler *compiler) {
    struct step *step = new_step(compiler, STEP_LITERAL);
    if (!step)
        return false;
    uint8_t *start = compiler->literals + compiler->literals_used;
    size_t size = 0;
    while (compiler->at < compiler->text.size) {
        uint8_t byte = compiler->text.data[compiler->at];
        bool brace = byte == '{' || byte == '}';
        /* Inside an optional part a "}" always ends it, or two parts could not end together. */
        if (brace && (!at_byte(compiler, 1, byte) || (byte == '}' && compiler->nest)))
            break;
        start[size++] = byte;
        compiler->at += brace ? 2 : 1;
    }
    step->literal = slice_make(start, size);
    compiler->literals_used += size;
    return true;
}

static bool field_good(struct slice name) {
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        bool letter = (uint8_t)((c | 0x20) - 'a') < 26 || c == '_' || c == '@';
        bool inner = (c >= '0' && c <= '9') || c == '.' || c == '-';
        if (!letter && !(inner && i))
            return false;
    }
    return name.size <= MESSAGE_PATTERN_FIELD_MOST && (name.size == 0 || name.data[name.size - 1] != '.');
}

static bool find_type(struct compiler *compiler, struct slice name, enum step_kind *ret_kind) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_equal(name, slice_string(types[i].name))) {
            *ret_kind = types[i].kind;
            return true;
        }
    return fault_set(compiler->fault, FAULT_FORMAT, "'%.*s' is no type of capture; there are " TYPES_LISTED,
                     SLICE_ARG(slice_head(name, 40)));
}

static bool add_symbol(struct compiler *compiler, struct slice name, uint32_t *ret_symbol) {
    *ret_symbol = symbols_add(compiler->symbols, name);
    return *ret_symbol ||
           fault_set(compiler->fault, FAULT_LIMIT, "more than %u field names in all", SYMBOLS_MOST);
}

static bool name_step(struct compiler *compiler, struct step *step, struct slice field) {
    char ip[MESSAGE_PATTERN_FIELD_MOST + 8], domain[MESSAGE_PATTERN_FIELD_MOST + 8];
    if (field.size == 0)
        return true;
    if (!field_good(field))
        return fault_set(
            compiler->fault, FAULT_FORMAT,
            "'%.*s' is no field name; names are letters, digits, '_', '-' and dots between, as in source.ip",
            SLICE_ARG(slice_head(field, 40)));
    if (++compiler->captures > MESSAGE_PATTERN_CAPTURES_MOST)
        return fault_set(compiler->fault, FAULT_LIMIT, "a pattern that keeps more than %u captures",
                         MESSAGE_PATTERN_CAPTURES_MOST);
    if (step->kind != STEP_ADDRESS)
        return add_symbol(compiler, field, &step->symbol);
    memcpy(ip, field.data, field.size);
    memcpy(domain, field.data, field.size);
    memcpy(ip + field.size, ".ip", 4);
    memcpy(domain + field.size, ".domain", 8);
    return add_symbol(compiler, slice_string(ip), &step->symbol) &&
           add_symbol(compiler, slice_string(domain), &step->other_symbol);
}

static bool read_capture(struct compiler *compiler) {
    struct step *step = new_step(compiler, STEP_WORD);
    if (!step)
        return false;
    struct slice inside = slice_from(compiler->text, compiler->at + 1);
    size_t close = slice_find_byte(inside, '}');
    if (close == SIZE_MAX)
        return fault_set(compiler->fault, FAULT_FORMAT,
                         "a '{' without its '}'; a brace in the text itself is '{{'");
    inside = slice_head(inside, close);
    size_t colon = slice_find_byte(inside, ':');
    struct slice field = slice_head(inside, colon);
    if (colon != SIZE_MAX && !find_type(compiler, slice_from(inside, colon + 1), &step->kind))
        return false;
    if (inside.size == 0)
        return fault_set(compiler->fault, FAULT_FORMAT,
                         "an empty capture; {field} or {field:type} keeps a value, {:type} passes over one");
    if (!name_step(compiler, step, field))
        return false;
    if (step->kind == STEP_TEXT && compiler->open != MESSAGE_PATTERN_STEPS_MOST)
        return fault_set(
            compiler->fault, FAULT_FORMAT,
            "a second text capture; what is between two of them could be either's. Try word or until");
    if (step->kind == STEP_TEXT && compiler->nest)
        return fault_set(compiler->fault, FAULT_FORMAT,
                         "a text capture in an optional part; write two patterns");
    if (step->kind == STEP_TEXT)
        compiler->open = compiler->count - 1;
    compiler->at += close + 2;
    return true;
}

static bool read_pieces(struct compiler *compiler);

static bool read_optional(struct compiler *compiler) {
    size_t start = compiler->at, index = compiler->count;
    if (compiler->nest == MESSAGE_PATTERN_NEST_MOST)
        return fault_set(compiler->fault, FAULT_LIMIT, "optional parts nested deeper than %u",
                         MESSAGE_PATTERN_NEST_MOST);
    if (!new_step(compiler, STEP_OPTIONAL))
        return false;
    compiler->at += 2;
    compiler->nest++;
    if (!read_pieces(compiler))
        return false;
    compiler->nest--;
    if (!at_byte(compiler, 0, '}')) {
        compiler->at = start;
        return fault_set(compiler->fault, FAULT_FORMAT, "an optional part '{?' without its '}'");
    }
    compiler->at++;
    compiler->steps[index].inner = (uint16_t)(compiler->count - index - 1);
    return compiler->steps[index].inner ||
           place_fault(compiler, index, "an optional part with nothing in it");
}

/* Up to the end or to the '}' that closes the optional part around. */
static bool read_pieces(struct compiler *compiler) {
    while (compiler->at < compiler->text.size) {
        bool open = at_byte(compiler, 0, '{') && !at_byte(compiler, 1, '{');
        bool close = at_byte(compiler, 0, '}') && (compiler->nest || !at_byte(compiler, 1, '}'));
        if (close && compiler->nest == 0)
            return fault_set(compiler->fault, FAULT_FORMAT,
                             "a '}' that closes nothing; a brace in the text itself is '}}'");
        if (close)
            return true;
        bool good = !open                       ? read_literal(compiler)
                    : at_byte(compiler, 1, '?') ? read_optional(compiler)
                                                : read_capture(compiler);
        if (!good)
            return false;
    }
    return true;
}

/* What may not stand where it does; and an until's end. */
static bool check_places(struct compiler *compiler) {
    for (size_t i = 0; i < compiler->count; i++) {
        struct step *step = &compiler->steps[i];
        bool literal_next = i + 1 < compiler->count && step[1].kind == STEP_LITERAL;
        if (step->kind == STEP_UNTIL && i > compiler->open)
            return place_fault(
                compiler, i, "an until behind the text capture, where matching goes from the end; try word");
        if (step->kind == STEP_UNTIL && !literal_next)
            return place_fault(compiler, i,
                               "an until without text right behind it; rest takes everything to the end");
        if (step->kind == STEP_REST && compiler->open != MESSAGE_PATTERN_STEPS_MOST)
            return place_fault(compiler, i,
                               "a rest beside a text capture; only one of them can be open-ended");
        if (step->kind == STEP_REST && i + 1 != compiler->count)
            return place_fault(compiler, i,
                               "a rest that is not the last thing; text or until can stand further left");
        if (step->kind == STEP_UNTIL)
            step->literal = step[1].literal;
    }
    return true;
}

static void add_end(struct step *step, uint8_t byte) {
    step->ends[byte >> 3] |= (uint8_t)(1u << (byte & 7));
}

/* A word ends at blanks and at the nearest byte of whatever text may come next: that of an optional part, and that of
 * what follows where the part is missing. Steps stand in the order of matching. */
static void set_ends(struct step *steps, size_t count, bool forward) {
    for (size_t i = 0; i < count; i++) {
        for (const char *blank = " \t\r\n"; *blank; blank++)
            add_end(&steps[i], (uint8_t)*blank);
        for (size_t next = i + 1; steps[i].kind != STEP_OPTIONAL && next < count;) {
            bool optional = steps[next].kind == STEP_OPTIONAL;
            const struct step *first = &steps[optional ? next + 1 : next];
            if (first->kind == STEP_LITERAL)
                add_end(&steps[i], first->literal.data[forward ? 0 : first->literal.size - 1]);
            if (!optional)
                break;
            next += 1u + steps[next].inner;
        }
    }
}

/* Copies steps [from, to) in reverse, an optional part before what is inside it; returns how many. */
static size_t put_reversed(const struct step *steps, size_t from, size_t to, struct step *out) {
    size_t count = 0;
    /* Units are found from the front, so the last unit is found by walking; patterns are short. */
    while (from < to) {
        size_t unit = from, next = from;
        while (next < to) {
            unit = next;
            next += 1u + steps[next].inner;
        }
        out[count++] = steps[unit];
        if (steps[unit].kind == STEP_OPTIONAL)
            count += put_reversed(steps, unit + 1, to, out + count);
        to = unit;
    }
    return count;
}

static struct message_pattern *build(struct compiler *compiler) {
    struct message_pattern *pattern = memory_new(sizeof *pattern);
    pattern->open = compiler->open != MESSAGE_PATTERN_STEPS_MOST;
    pattern->left = pattern->open ? compiler->open : compiler->count;
    pattern->steps = memory_new_array(compiler->count, sizeof *pattern->steps);
    memcpy(pattern->steps, compiler->steps, pattern->left * sizeof *pattern->steps);
    if (pattern->open) {
        pattern->open_symbol = compiler->steps[compiler->open].symbol;
        pattern->right = put_reversed(compiler->steps, compiler->open + 1, compiler->count,
                                      pattern->steps + pattern->left);
    }
    set_ends(pattern->steps, pattern->left, true);
    set_ends(pattern->steps + pattern->left, pattern->right, false);
    pattern->literals = compiler->literals;
    return pattern;
}

struct message_pattern *message_pattern_compile(struct slice text, struct symbols *symbols,
                                                size_t *ret_offset, struct fault *fault) {
    struct compiler compiler = {
        .text = text, .symbols = symbols, .fault = fault, .open = MESSAGE_PATTERN_STEPS_MOST};
    *ret_offset = 0;
    if (text.size == 0 || text.size > MESSAGE_PATTERN_TEXT_MOST) {
        fault_set(fault, text.size ? FAULT_LIMIT : FAULT_FORMAT,
                  "a pattern of %zu bytes; 1 to %u are allowed", text.size, MESSAGE_PATTERN_TEXT_MOST);
        return NULL;
    }
    compiler.literals = memory_new(text.size);
    if (read_pieces(&compiler) && check_places(&compiler))
        return build(&compiler);
    *ret_offset = compiler.at;
    free(compiler.literals);
    return NULL;
}

struct message_pattern *message_pattern_destroy(struct message_pattern *pattern) {
    if (pattern) {
        free(pattern->steps);
        free(pattern->literals);
        free(pattern);
    }
    return NULL;
}
