/* A list of weak keys out of a file (weak_keys.h). */
#ifndef TOCSIN_WEAK_KEYS_FILE_H
#define TOCSIN_WEAK_KEYS_FILE_H

#include "weak_keys.h"

#define WEAK_KEYS_FILE_MOST (256u * 1024 * 1024) /* bytes */

/* NULL with a fault. */
struct weak_keys *weak_keys_file_read(const char *path, struct fault *fault);

#endif
