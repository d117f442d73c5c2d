/* The certificates that a server sent, put in order: from the leaf, which is the first, each to the one that signed it, and
 * on to an anchor. Borrows from the bytes and the anchors. Says nothing of times and purposes: tls_judge does. */
#ifndef TOCSIN_TLS_CHAIN_H
#define TOCSIN_TLS_CHAIN_H

#include "certificate.h"

#define TLS_CHAIN_MOST 16u /* certificates sent; more are not looked at */

struct tls_chain {
    size_t count; /* that could be read */
    struct certificate sent[TLS_CHAIN_MOST];
    size_t path[TLS_CHAIN_MOST]; /* places in `sent` */
    size_t path_count;
    /* How many of the path somebody needs who has the anchors; all of it where it ends at none. */
    size_t needed;
    const struct certificate *anchor; /* who signed the last one needed, or is it; NULL: none */
};

/* False where the first cannot be read, or another one: the fault says which. What could be read is in order even so. Among
 * several anchors of a name and key one that is valid at now_us is taken. */
bool tls_chain_read(const struct slice *certificates, size_t count, const struct certificate *anchors,
                    size_t anchor_count, uint64_t now_us, struct tls_chain *ret_chain, struct fault *fault);

/* The n-th of the path, from the leaf. */
static inline const struct certificate *tls_chain_at(const struct tls_chain *chain, size_t n) {
    return &chain->sent[chain->path[n]];
}
/* Who signed the n-th of the path: the next one, or the anchor; NULL where nobody is known. */
const struct certificate *tls_chain_issuer(const struct tls_chain *chain, size_t n);
bool tls_chain_is_self_signed(const struct certificate *certificate);
bool tls_chain_is_same(const struct certificate *a, const struct certificate *b); /* name and key */

#endif
