/* Certificates out of files, PEM or DER, several in one where there are several. */
#ifndef TOCSIN_CERTIFICATE_FILE_H
#define TOCSIN_CERTIFICATE_FILE_H

#include "certificate.h"

#define CERTIFICATE_FILE_MOST (4u * 1024 * 1024) /* bytes */

/* Up to `most` of them; they borrow from `bytes`, which is set up here and the caller's to free, also after a failure. */
bool certificate_file_read(const char *path, struct buffer *bytes, struct certificate *to, size_t most,
                           size_t *ret_count, struct fault *fault);

#endif
