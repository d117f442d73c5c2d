/* A CRL (RFC 5280 5.1) read as it comes, in pieces of any size, in bounded memory: what stands before and behind the entries is
 * kept, each entry is told once and forgotten, what is signed is hashed on the way.
 *
 * Nothing is believed yet. After the first thing that is wrong the rest is only counted. */
#ifndef TOCSIN_CRL_READER_H
#define TOCSIN_CRL_READER_H

#include "extension.h"
#include "fault.h"
#include "signature.h"

#define CRL_ELEMENT_MOST 65536u             /* bytes of an entry, of a name, of an algorithm */
#define CRL_EXTENSIONS_MOST (1024u * 1024)  /* bytes of the list's extensions */
#define CRL_BYTES_MOST (100u * 1024 * 1024) /* of a list; what is more is refused */

struct crl_entry {
    struct slice serial; /* an INTEGER's content */
    uint64_t revoked_us;
    struct slice extensions; /* content, empty without any */
};

/* What stands around the entries; owned by the reader. */
struct crl_list {
    uint32_t version; /* 1 is v2 */
    struct slice inner_algorithm, algorithm, issuer, signature;
    struct slice extensions;                 /* content */
    uint64_t this_update_us, next_update_us; /* no nextUpdate: 0 */
    bool has_entries;                        /* the list of them is there, though it may be empty */
    uint64_t entry_count, size;
};

struct crl_reader;
typedef void crl_reader_entry(void *context, const struct crl_entry *entry);

struct crl_reader *crl_reader_create(crl_reader_entry *entry, void *context);
struct crl_reader *crl_reader_destroy(struct crl_reader *reader); /* returns NULL */

void crl_reader_add(struct crl_reader *reader, struct slice piece);
/* No more comes. False: the fault says what is wrong with it. */
bool crl_reader_end(struct crl_reader *reader, struct fault *fault);

const struct crl_list *crl_reader_list(const struct crl_reader *reader);
/* After a good end: what was hashed. NULL for a signature algorithm that is not known here. */
const struct signature_running *crl_reader_signed(const struct crl_reader *reader);

#endif
