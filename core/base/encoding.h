/* Hexadecimal and base64 (RFC 4648), both strict.
 *
 * Base64 takes canonical input alone: padding where it is due, no blanks, no URL alphabet, unused trailing bits zero.
 * OpenSSL's decoder is more lenient, and a signature must have one spelling. */
#ifndef TOCSIN_ENCODING_H
#define TOCSIN_ENCODING_H

#include "buffer.h"

/* Writes 2 × size lower-case digits and a NUL. */
void encoding_hex(const void *data, size_t size, char *ret_text);
/* Exactly 2 × size digits, of either case. ret_data may be written in part on failure. */
bool encoding_unhex(struct slice text, void *ret_data, size_t size);

bool encoding_base64(struct buffer *to, struct slice data);
bool encoding_unbase64(struct buffer *to, struct slice text);

/* Whether the bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing over U+10FFFF). */
bool encoding_is_utf8(struct slice text);

#endif
