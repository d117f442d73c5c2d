/* RSA moduli that give their factors away. Moduli as big-endian bytes, RSA_WEAKNESS_BITS_MOST bits at most: longer ones
 * are told as not weak, so ask for the size first. Each takes well under a millisecond for 4,096 bits. */
#ifndef TOCSIN_RSA_WEAKNESS_H
#define TOCSIN_RSA_WEAKNESS_H

#include "slice.h"

#define RSA_WEAKNESS_BITS_MOST 16384u
#define RSA_FACTOR_LEAST 752u /* Baseline Requirements 6.1.6: no factor below it */

/* The least factor below RSA_FACTOR_LEAST; 0 where there is none. */
unsigned rsa_small_factor(struct slice modulus);

/* The two primes are so near to each other that Fermat's method finds them within as many rounds. */
bool rsa_has_close_primes(struct slice modulus, unsigned rounds);

/* Made by Infineon's RSALib (CVE-2017-15361): both primes are powers of 65537 modulo the product M of the first primes, and
 * so is the modulus. M grows with the key, each a multiple of the smallest (the primes up to 167), so that one is enough: it
 * is a power by chance once in 2^154 (Nemec, Sys, Svenda, Klinec, Matyas: The Return of Coppersmith's Attack, CCS 2017). */
bool rsa_is_roca(struct slice modulus);

#endif
