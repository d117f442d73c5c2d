/* Within sys alone: parsed files of authorities, kept, so that a thousand handshakes parse them once.
 *
 * A file that was changed since (its time, size or inode) is read again at the next look. At most `most` files; the one
 * that was asked for longest ago goes first. */
#ifndef TOCSIN_TLS_AUTHORITIES_H
#define TOCSIN_TLS_AUTHORITIES_H

#include <openssl/x509.h>

#include "fault.h"

struct tls_authorities;

struct tls_authorities *tls_authorities_create(size_t most);
struct tls_authorities *tls_authorities_destroy(struct tls_authorities *authorities); /* NULL */

/* NULL for the system's, whose folder is looked into as names are needed. A reference of the caller's; NULL with a fault. */
X509_STORE *tls_authorities_find(struct tls_authorities *authorities, const char *path, struct fault *fault);

#endif
