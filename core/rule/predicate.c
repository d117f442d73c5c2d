#include "predicate.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdlib.h>

static bool equal_folded(const uint8_t *value, const uint8_t *needle, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (pattern_fold(value[i]) != needle[i])
            return false;
    return true;
}

static bool equal_both_folded(const uint8_t *a, const uint8_t *b, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (pattern_fold(a[i]) != pattern_fold(b[i]))
            return false;
    return true;
}

static bool same(const uint8_t *value, struct slice needle, bool cased, bool fold_both) {
    if (cased)
        return memcmp(value, needle.data, needle.size) == 0;
    return fold_both ? equal_both_folded(value, needle.data, needle.size)
                     : equal_folded(value, needle.data, needle.size);
}

static bool contains(struct slice value, struct slice needle, bool cased, bool fold_both) {
    if (cased)
        return slice_find(value, needle) != SIZE_MAX;
    uint8_t first = pattern_fold(needle.data[0]);
    for (size_t i = 0; i + needle.size <= value.size; i++)
        if (pattern_fold(value.data[i]) == first && same(value.data + i, needle, false, fold_both))
            return true;
    return false;
}

bool predicate_relates(enum predicate_kind relation, struct slice value, struct slice needle, bool cased,
                       bool fold_both) {
    if (needle.size > value.size || (relation == PREDICATE_EQUAL && needle.size != value.size))
        return false;
    if (needle.size == 0)
        return true;
    if (relation == PREDICATE_CONTAINS)
        return contains(value, needle, cased, fold_both);
    size_t from = relation == PREDICATE_SUFFIX ? value.size - needle.size : 0;
    return same(value.data + from, needle, cased, fold_both);
}

bool predicate_address(struct slice text, uint8_t ret_address[16]) {
    char copy[INET6_ADDRSTRLEN];
    if (text.size == 0 || text.size >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    uint8_t address[16];
    memcpy(address, mapped, sizeof mapped);
    bool good = strlen(copy) == text.size &&
                (inet_pton(AF_INET, copy, address + 12) == 1 || inet_pton(AF_INET6, copy, address) == 1);
    if (good)
        memcpy(ret_address, address, sizeof address);
    return good;
}

/* Decimal alone, without the locale's opinion: sign, digits, fraction, exponent. */
bool predicate_number(struct slice text, double *ret_number) {
    char copy[64];
    text = slice_trim(text);
    if (text.size == 0 || text.size >= sizeof copy)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (!text.data[i] || !strchr("0123456789+-.eE", text.data[i]))
            return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    char *end;
    double number = strtod(copy, &end);
    if (*end || end == copy || !isfinite(number))
        return false;
    *ret_number = number;
    return true;
}

static bool in_network(const struct predicate *predicate, struct slice value) {
    uint8_t address[16];
    if (!predicate_address(value, address))
        return false;
    unsigned whole = predicate->network_bits / 8, rest = predicate->network_bits % 8;
    if (memcmp(address, predicate->network, whole) != 0)
        return false;
    return rest == 0 || ((address[whole] ^ predicate->network[whole]) >> (8 - rest)) == 0;
}

static bool regex_matches(const struct predicate *predicate, struct slice value, pcre2_match_data *match,
                          pcre2_match_context *limits, uint64_t *exhausted) {
    int result = pcre2_match(predicate->code, value.data ? value.data : (const uint8_t *)"", value.size, 0, 0,
                             match, limits);
    if (result < 0 && result != PCRE2_ERROR_NOMATCH)
        ++*exhausted;
    return result >= 0;
}

static bool compare(const struct predicate *predicate, struct slice value) {
    double number;
    if (predicate->part ? !time_part_read(value, predicate->part, &number) : !predicate_number(value, &number))
        return false;
    switch ((unsigned)predicate->kind) {
    case PREDICATE_LESS:
        return number < predicate->number;
    case PREDICATE_LESS_EQUAL:
        return number <= predicate->number;
    case PREDICATE_GREATER:
        return number > predicate->number;
    case PREDICATE_GREATER_EQUAL:
        return number >= predicate->number;
    default:
        return number == predicate->number; /* of a date's part: both are whole */
    }
}

bool predicate_test(const struct predicate *predicate, struct slice value, pcre2_match_data *match,
                    pcre2_match_context *limits, uint64_t *exhausted) {
    switch (predicate->kind) {
    case PREDICATE_EQUAL:
    case PREDICATE_PREFIX:
    case PREDICATE_SUFFIX:
    case PREDICATE_CONTAINS:
        return predicate_relates(predicate->kind, value, predicate->literal, predicate->cased, false);
    case PREDICATE_GLOB:
        return pattern_match(predicate->pattern, value, predicate->cased);
    case PREDICATE_REGEX:
        return regex_matches(predicate, value, match, limits, exhausted);
    case PREDICATE_NETWORK:
        return in_network(predicate, value);
    case PREDICATE_LESS:
    case PREDICATE_LESS_EQUAL:
    case PREDICATE_GREATER:
    case PREDICATE_GREATER_EQUAL:
    case PREDICATE_SAME_NUMBER:
        return compare(predicate, value);
    case PREDICATE_PRESENT:
    case PREDICATE_VALUED:
    case PREDICATE_OTHER:
        break;
    }
    return false;
}
