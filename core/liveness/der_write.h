/* DER, written from the inside out: an element around what has been appended since a mark. */
#ifndef TOCSIN_DER_WRITE_H
#define TOCSIN_DER_WRITE_H

#include "buffer.h"
#include "der.h"

bool der_write(struct buffer *to, uint8_t tag, struct slice content);
/* Makes everything behind `from` the content of one element. */
bool der_wrap(struct buffer *to, size_t from, uint8_t tag);

#endif
