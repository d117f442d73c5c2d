/* DER (ITU-T X.690, section 10), read from borrowed bytes.
 *
 * Strict where it decides what is read: tags of one byte, definite lengths in their shortest form. A reader has one sticky
 * error and is checked once at the end: asked for what is not there it sets `failed`, and from then on gives zeros and empty
 * slices. Times are those of RFC 5280 4.1.2.5: seconds, "Z", no fractions unless asked for; years before 1970 count as 1970. */
#ifndef TOCSIN_DER_H
#define TOCSIN_DER_H

#include "slice.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8_STRING = 0x0c,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_PRIMITIVE_0 = 0x80, /* [0], primitive; + n for [n] */
    DER_CONTEXT_0 = 0xa0,   /* [0], constructed; + n for [n] */
};

#define DER_HEADER_MOST 6u /* a tag, and a length of up to four bytes */

enum der_header_state { DER_HEADER_GOOD, DER_HEADER_SHORT, DER_HEADER_BAD };
struct der_header {
    uint8_t tag;
    size_t size;    /* of the header itself */
    size_t content; /* bytes behind it */
};
/* What the bytes begin with; SHORT where more of them are needed to tell. The content need not be there. */
enum der_header_state der_header_read(struct slice from, struct der_header *ret_header);

struct der_element {
    uint8_t tag;
    struct slice content, whole;
};

struct der_reader {
    struct slice rest;
    bool failed;
};
static inline struct der_reader der_read(struct slice from) {
    return (struct der_reader){from, false};
}

/* Whether an element with that tag comes next. */
static inline bool der_is(const struct der_reader *reader, uint8_t tag) {
    return !reader->failed && reader->rest.size > 0 && reader->rest.data[0] == tag;
}
static inline bool der_more(const struct der_reader *reader) {
    return !reader->failed && reader->rest.size > 0;
}
/* Nothing failed and nothing is left. */
static inline bool der_done(const struct der_reader *reader) {
    return !reader->failed && reader->rest.size == 0;
}

struct der_element der_take_any(struct der_reader *reader);
/* The element's content, or the whole of it with its header. */
struct slice der_take(struct der_reader *reader, uint8_t tag);
struct slice der_take_whole(struct der_reader *reader, uint8_t tag);
/* A reader of what is inside; failed where there is no such element. */
struct der_reader der_enter(struct der_reader *reader, uint8_t tag);

bool der_take_boolean(struct der_reader *reader);
/* An INTEGER's content in its shortest form, two's complement; never empty unless failed. */
struct slice der_take_integer(struct der_reader *reader);
/* INTEGER or ENUMERATED from 0 to 2^31 - 1. */
uint32_t der_take_small(struct der_reader *reader, uint8_t tag);
/* Bytes of a BIT STRING without unused bits. */
struct slice der_take_bits(struct der_reader *reader);
/* The first sixteen of a BIT STRING's named bits: bit n is 1 << n. */
uint16_t der_take_flags(struct der_reader *reader);
/* UTCTime or GeneralizedTime. */
uint64_t der_take_time(struct der_reader *reader);
/* GeneralizedTime alone: OCSP knows no other. */
uint64_t der_take_long_time(struct der_reader *reader);
/* GeneralizedTime with a fraction of a second or without (RFC 3161 2.4.2), cut to microseconds. *ret_exact: in its shortest
 * form, as it has to be. */
uint64_t der_take_precise_time(struct der_reader *reader, bool *ret_exact);

/* An INTEGER's content: below zero; without the zero byte that only keeps it positive. */
static inline bool der_negative(struct slice integer) {
    return integer.size > 0 && (integer.data[0] & 0x80) != 0;
}
struct slice der_magnitude(struct slice integer);

#endif
