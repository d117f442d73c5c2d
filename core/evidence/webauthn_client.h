/* The members of a clientDataJSON that decide (Web Authentication, level 2, 5.8.1): a small strict reader of one flat JSON
 * object, so that an agent needs no JSON library.
 *
 * Strings are given as they stand between their quotes: the members that decide need no escapes, and one that has some is
 * not what is expected. Refused: names with escapes, a deciding member twice, control characters, nesting deeper than eight,
 * anything behind the object. */
#ifndef TOCSIN_WEBAUTHN_CLIENT_H
#define TOCSIN_WEBAUTHN_CLIENT_H

#include "slice.h"

struct webauthn_client {
    struct slice type, challenge, origin; /* empty where they are not strings */
    bool inside_other;                    /* crossOrigin is anything but false, or there is a topOrigin */
};

bool webauthn_client_read(struct slice json, struct webauthn_client *ret_client);

#endif
