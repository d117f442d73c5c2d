/* Keys and sealing of a segment's sections (log-format: Sealing).
 *
 *     key   = HKDF-SHA256(day key, salt: the header's 32 random bytes, info: "tocsin/seg/v1", of the filter "tocsin/flt/v1")
 *     section = AES-256-GCM, 12-byte nonce = u96 number, AAD = H(clear header) ‖ u32 number ‖ u8 last; the tag behind it
 *
 * A key is used for one segment alone, since its random bytes are fresh, and a number once. */
#ifndef TOCSIN_SEGMENT_CIPHER_H
#define TOCSIN_SEGMENT_CIPHER_H

#include "fault.h"
#include "sha256.h"

#define SEGMENT_KEY_SIZE 32u
#define SEGMENT_RANDOM_SIZE 32u
#define SEGMENT_TAG_SIZE 16u

enum segment_key_use { SEGMENT_KEY_BODIES, SEGMENT_KEY_FILTER };

void segment_key_derive(const uint8_t day_key[SEGMENT_KEY_SIZE], const uint8_t random[SEGMENT_RANDOM_SIZE],
                        enum segment_key_use use, uint8_t ret_key[SEGMENT_KEY_SIZE]);

struct segment_cipher; /* one key of one segment; one thread at a time */

struct segment_cipher *segment_cipher_create(const uint8_t key[SEGMENT_KEY_SIZE], const struct hash *header);
struct segment_cipher *segment_cipher_destroy(struct segment_cipher *cipher); /* wipes; returns NULL */

/* `to` has room for the plain bytes and the tag. */
void segment_cipher_seal(struct segment_cipher *cipher, uint32_t number, bool last, struct slice plain,
                         uint8_t *to);
/* `to` has room for section.size - SEGMENT_TAG_SIZE bytes; what it holds after a failure is nothing. */
bool segment_cipher_open(struct segment_cipher *cipher, uint32_t number, bool last, struct slice section,
                         uint8_t *to);

#endif
