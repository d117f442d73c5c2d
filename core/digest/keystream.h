/* The salts of a batch's events of one class: the AES-256-CTR keystream, IV all zero, under the class key;
 * salt i is bytes 32·i to 32·i+31 (log-format: Event leaf).
 *
 * A keystream gives them in order, a handful made at a time; about a kilobyte while it lives. Wiped when
 * destroyed. */
#ifndef TOCSIN_KEYSTREAM_H
#define TOCSIN_KEYSTREAM_H

#include "slice.h"

#define CLASS_KEY_SIZE 32u
#define SALT_SIZE 32u

struct keystream;

struct keystream *keystream_create(const uint8_t class_key[CLASS_KEY_SIZE]);
struct keystream *keystream_destroy(struct keystream *keystream); /* returns NULL */

const uint8_t *keystream_key(const struct keystream *keystream);
/* The next salt; valid until the next call. */
const uint8_t *keystream_next(struct keystream *keystream);

/* One salt by its position, for whoever looks at a single event. */
void keystream_salt(const uint8_t class_key[CLASS_KEY_SIZE], uint64_t position, uint8_t ret_salt[SALT_SIZE]);

#endif
