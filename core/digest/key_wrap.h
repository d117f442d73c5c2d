/* A key under another key: AES-256 key wrap (RFC 3394, initial value A6…), over libcrypto. Deterministic, and what was altered
 * or wrapped under another key does not unwrap. */
#ifndef TOCSIN_KEY_WRAP_H
#define TOCSIN_KEY_WRAP_H

#include "slice.h"

#define KEY_WRAP_KEY 32u
#define KEY_WRAP_SIZE 40u

void key_wrap(const uint8_t outer[KEY_WRAP_KEY], const uint8_t key[KEY_WRAP_KEY],
              uint8_t ret_wrapped[KEY_WRAP_SIZE]);
bool key_unwrap(const uint8_t outer[KEY_WRAP_KEY], const uint8_t wrapped[KEY_WRAP_SIZE],
                uint8_t ret_key[KEY_WRAP_KEY]);

#endif
