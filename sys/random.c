#include "random.h"

#include <limits.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void random_private(void *buffer, size_t size) {
    uint8_t *at = buffer;
    while (size) {
        int part = size > INT_MAX ? INT_MAX : (int)size;
        if (RAND_priv_bytes(at, part) != 1) {
            fputs("tocsin: no random bytes to be had\n", stderr);
            abort();
        }
        at += part;
        size -= (size_t)part;
    }
}
