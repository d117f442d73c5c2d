#include "webauthn_client.h"

#include "encoding.h"

#define DEPTH_MOST 8u

struct reader {
    struct slice rest;
};

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void skip_blanks(struct reader *reader) {
    size_t size = 0;
    while (size < reader->rest.size && is_blank(reader->rest.data[size]))
        size++;
    reader->rest = slice_from(reader->rest, size);
}

static bool take(struct reader *reader, uint8_t byte) {
    skip_blanks(reader);
    if (reader->rest.size == 0 || reader->rest.data[0] != byte)
        return false;
    reader->rest = slice_from(reader->rest, 1);
    return true;
}

/* What stands between two quotes. */
static bool take_string(struct reader *reader, struct slice *ret_inside, bool *ret_escapes) {
    if (!take(reader, '"'))
        return false;
    *ret_escapes = false;
    for (size_t i = 0; i < reader->rest.size; i++) {
        uint8_t byte = reader->rest.data[i];
        if (byte < ' ')
            return false;
        if (byte == '"') {
            *ret_inside = slice_head(reader->rest, i);
            reader->rest = slice_from(reader->rest, i + 1);
            return true;
        }
        if (byte == '\\') {
            *ret_escapes = true;
            i++;
        }
    }
    return false;
}

/* A number or a word: whatever has no other sign in it. Which one it is is nothing that decides, but for "false". */
static bool take_word(struct reader *reader, struct slice *ret_word) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzE0123456789+-.";
    size_t size = 0;
    skip_blanks(reader);
    while (size < reader->rest.size && memchr(letters, reader->rest.data[size], sizeof letters - 1))
        size++;
    *ret_word = slice_head(reader->rest, size);
    reader->rest = slice_from(reader->rest, size);
    return size > 0;
}

/* An object or list, read over up to the bracket that closes it; brackets in strings are none. */
static bool skip_nested(struct reader *reader) {
    unsigned depth = 0;
    do {
        struct slice inside;
        bool escapes;
        skip_blanks(reader);
        uint8_t byte = reader->rest.size ? reader->rest.data[0] : 0;
        if (byte == '"' ? !take_string(reader, &inside, &escapes) : byte == 0)
            return false;
        if (byte == '"')
            continue;
        reader->rest = slice_from(reader->rest, 1);
        if (byte == '{' || byte == '[')
            depth++;
        if (byte == '}' || byte == ']')
            depth--;
    } while (depth > 0 && depth <= DEPTH_MOST);
    return depth == 0;
}

struct value {
    struct slice string; /* of a string without escapes */
    struct slice word;
};

static bool take_value(struct reader *reader, struct value *ret_value) {
    struct value value = {SLICE(""), SLICE("")};
    bool escapes = false, good;
    skip_blanks(reader);
    uint8_t byte = reader->rest.size ? reader->rest.data[0] : 0;
    if (byte == '"')
        good = take_string(reader, &value.string, &escapes);
    else if (byte == '{' || byte == '[')
        good = skip_nested(reader);
    else
        good = take_word(reader, &value.word);
    if (escapes)
        value.string = SLICE("");
    *ret_value = value;
    return good;
}

enum member { MEMBER_TYPE = 1, MEMBER_CHALLENGE = 2, MEMBER_ORIGIN = 4, MEMBER_CROSS = 8, MEMBER_TOP = 16 };

static unsigned member_of(struct slice name) {
    return slice_equal(name, SLICE("type"))          ? MEMBER_TYPE
           : slice_equal(name, SLICE("challenge"))   ? MEMBER_CHALLENGE
           : slice_equal(name, SLICE("origin"))      ? MEMBER_ORIGIN
           : slice_equal(name, SLICE("crossOrigin")) ? MEMBER_CROSS
           : slice_equal(name, SLICE("topOrigin"))   ? MEMBER_TOP
                                                     : 0;
}

static void keep(struct webauthn_client *client, unsigned member, const struct value *value) {
    if (member == MEMBER_TYPE)
        client->type = value->string;
    if (member == MEMBER_CHALLENGE)
        client->challenge = value->string;
    if (member == MEMBER_ORIGIN)
        client->origin = value->string;
    if (member == MEMBER_TOP || (member == MEMBER_CROSS && !slice_equal(value->word, SLICE("false"))))
        client->inside_other = true;
}

static bool take_member(struct reader *reader, unsigned *seen, struct webauthn_client *client) {
    struct slice name;
    struct value value;
    bool escapes;
    if (!take_string(reader, &name, &escapes) || escapes || !take(reader, ':') || !take_value(reader, &value))
        return false;
    unsigned member = member_of(name);
    if (*seen & member)
        return false;
    *seen |= member;
    keep(client, member, &value);
    return true;
}

bool webauthn_client_read(struct slice json, struct webauthn_client *ret_client) {
    struct reader reader = {json};
    struct webauthn_client client = {SLICE(""), SLICE(""), SLICE(""), false};
    unsigned seen = 0;
    if (!encoding_is_utf8(json) || !take(&reader, '{'))
        return false;
    do {
        if (!take_member(&reader, &seen, &client))
            return false;
    } while (take(&reader, ','));
    if (!take(&reader, '}') || (skip_blanks(&reader), reader.rest.size > 0))
        return false;
    *ret_client = client;
    return true;
}
