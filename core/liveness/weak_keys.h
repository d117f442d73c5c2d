/* A list of keys that are known to be weak (Baseline Requirements 6.1.1.3), by their hashes.
 *
 * A text, one key a line, sorted or not, in either case; '#' begins a comment, and what follows the hash after a blank, a
 * comma, a semicolon or a colon is not looked at. By its length a hash is
 *   20 digits   the end of a SHA-1 over "Modulus=HEX" and a newline, HEX in capitals: openssl-blacklist's, what
 *               openssl-vulnkey(1) reads
 *   40 digits   a whole SHA-1
 *   64 digits   a SHA-256
 * the latter two of the SubjectPublicKeyInfo, of the modulus' bytes, or of that same line. */
#ifndef TOCSIN_WEAK_KEYS_H
#define TOCSIN_WEAK_KEYS_H

#include "fault.h"
#include "slice.h"

#define WEAK_KEYS_MOST 4000000u /* lines with a hash */

struct weak_keys;

/* NULL for a text that is no such list; the fault names the line. */
struct weak_keys *weak_keys_read(struct slice text, struct fault *fault);
struct weak_keys *weak_keys_destroy(struct weak_keys *keys); /* NULL */
size_t weak_keys_count(const struct weak_keys *keys);

/* A whole SubjectPublicKeyInfo; an RSA key's modulus as big-endian bytes, empty for other keys. */
bool weak_keys_have(const struct weak_keys *keys, struct slice key, struct slice modulus);

#endif
