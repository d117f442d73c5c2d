/* Random bytes for keys, tokens and identifiers: OpenSSL's private generator, seeded by the kernel. A
 * generator that cannot give bytes is the machine's failure: the process says so and aborts. Thread-safe. */
#ifndef TOCSIN_RANDOM_H
#define TOCSIN_RANDOM_H

#include <stddef.h>

void random_private(void *buffer, size_t size);

#endif
