/* Signing keys in files: the seed in hex, one line, mode 0600. */
#ifndef TOCSIN_KEY_FILE_H
#define TOCSIN_KEY_FILE_H

#include "ed25519.h"

/* Loads the key; where there is none and `make` is true, makes one. */
struct signing_key *key_file_open(const char *path, bool make, struct fault *fault);

#endif
