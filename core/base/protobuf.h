/* Protobuf's wire format (its encoding guide), for the two messages that are too hot for a library that allocates: events'
 * bodies and the EVENTS message. Numbers and bytes alone; a tag is field number << 3 | wire type, and field numbers here
 * are below 16, so that a tag is one byte. Writing leaves zero numbers out, as proto3 does. Reading is by a bytes_reader,
 * whose error is sticky; unknown fields of any wire type are passed over by the caller. */
#ifndef TOCSIN_PROTOBUF_H
#define TOCSIN_PROTOBUF_H

#include "bytes.h"

enum protobuf_wire { PROTOBUF_VARINT = 0, PROTOBUF_FIXED64 = 1, PROTOBUF_BYTES = 2, PROTOBUF_FIXED32 = 5 };

/* Sizes, to reserve room before writing. */
size_t protobuf_number_size(uint64_t value); /* with its tag; 0 for 0 */
size_t protobuf_block_size(size_t size);     /* with its tag and length */

/* Into memory that has the room; each returns the place behind what it wrote. */
uint8_t *protobuf_put_number(uint8_t *at, unsigned field, uint64_t value);
uint8_t *protobuf_put_head(uint8_t *at, unsigned field, size_t size); /* of a block that the caller writes */
uint8_t *protobuf_put_block(uint8_t *at, unsigned field, struct slice block);

struct protobuf_field {
    uint64_t number; /* of the field; any */
    enum protobuf_wire wire;
    uint64_t value;     /* of a varint */
    struct slice block; /* of bytes; borrowed */
};

/* The next field; false at the end and after an error (reader->failed tells). */
bool protobuf_next(struct bytes_reader *reader, struct protobuf_field *ret_field);

#endif
