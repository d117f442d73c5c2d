/* Extensions of certificates, CRLs, their entries and OCSP (RFC 5280 4.1, 5.2; RFC 6960 4.4). */
#ifndef TOCSIN_EXTENSION_H
#define TOCSIN_EXTENSION_H

#include "buffer.h"
#include "der.h"

struct extension {
    struct slice oid;
    struct slice value; /* of the OCTET STRING */
    bool critical;      /* one that says FALSE in so many words is taken: many do, and it changes nothing */
};

/* The next one of a SEQUENCE OF Extension; false at its end, or where the reader failed. */
bool extension_next(struct der_reader *extensions, struct extension *ret_extension);
bool extension_find(struct slice extensions, struct slice oid, struct extension *ret_extension);

/* The key identifier of an AuthorityKeyIdentifier's value; empty where it has none. False: no such value. */
bool extension_key_id(struct slice value, struct slice *ret_key_id);
/* The first URI in a GeneralNames' content; empty where there is none. */
struct slice extension_uri(struct slice general_names);

/* "2.5.29.20", cut where it does not fit. */
#define EXTENSION_OID_TEXT 64
void extension_oid_text(struct slice oid, char ret_text[EXTENSION_OID_TEXT]);
/* The other way round: appends the content of a DER element. False: no such text, or one that does not fit. */
bool extension_oid_parse(struct slice text, struct buffer *to);

#endif
