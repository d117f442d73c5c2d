/* Serial numbers as people write them. */
#ifndef TOCSIN_SERIAL_TEXT_H
#define TOCSIN_SERIAL_TEXT_H

#include "buffer.h"

/* "4660", "0x1234", "12:34", "0A3F": decimal, unless it begins with 0x or holds colons or letters, as OpenSSL reads and writes
 * them. Appends the content of a DER INTEGER, at most 64 bytes. False for what is no number, or too long. */
bool serial_text_read(struct slice text, struct buffer *to);

#endif
