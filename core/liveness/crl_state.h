/* What is remembered of a CRL until the next one comes: its number, its bytes' hash, its size, and its entries.
 *
 * Of the entries at most so many as the owner said: past that only those whose serial's digest ends in more and more zero bits
 * are kept, the same ones in every CRL, so that what is missing can be told, and how many there are of them, about. Between
 * runs it is bytes (proto/FORMATS.md, CRL state). */
#ifndef TOCSIN_CRL_STATE_H
#define TOCSIN_CRL_STATE_H

#include "buffer.h"
#include "fault.h"
#include "sha256.h"

#define CRL_STATE_ENTRIES_MOST (4u * 1024 * 1024) /* that an owner may ask for */
#define CRL_STATE_ENTRIES 65536u                  /* that a probe keeps */
#define CRL_NUMBER_MOST 20u                       /* bytes; RFC 5280 5.2.3 */
#define CRL_SERIAL_MOST 64u                       /* longer serials are not kept */

struct crl_state;

struct crl_facts {
    bool has_number;
    uint8_t number_size;
    uint8_t number[CRL_NUMBER_MOST]; /* without leading zeros */
    struct hash hash;                /* of what is signed, and of the signature */
    uint64_t this_update_us, entry_count, size;
};

struct crl_state *crl_state_create(size_t entries_most);
struct crl_state *crl_state_destroy(struct crl_state *state); /* returns NULL */

struct crl_facts *crl_state_facts(struct crl_state *state);
const struct crl_facts *crl_state_facts_of(const struct crl_state *state);

/* Whether that list may take the other's place as what the next one is held against: neither its number nor its time is
 * lower. An older list that was served once must not become the measure. */
bool crl_state_follows(const struct crl_state *state, const struct crl_state *before);

void crl_state_add(struct crl_state *state, struct slice serial, uint64_t revoked_us);

/* Holding another CRL against it: each of its serials is crossed off, and what is left is gone. */
void crl_state_cross_off(struct crl_state *state, struct slice serial);
struct crl_gone {
    uint64_t count; /* about; exact where every entry is kept */
    bool exact;
    struct slice serial; /* of the one that was revoked last */
    uint64_t revoked_us;
};
/* Those revoked after `since_us`. */
struct crl_gone crl_state_gone(const struct crl_state *state, uint64_t since_us);
/* Whether the serial is among those that are kept; *ret_kept: it would be, had it been there. */
bool crl_state_has(const struct crl_state *state, struct slice serial, bool *ret_kept);

/* Some of the serials that are kept, spread over all, others each turn: to ask the OCSP responder about. Borrowed until the
 * next change. Returns how many there are, at most `wanted`. */
size_t crl_state_pick(const struct crl_state *state, size_t wanted, uint64_t turn, struct slice *ret_serials);

bool crl_state_write(const struct crl_state *state, struct buffer *to);
/* NULL: the fault says why. */
struct crl_state *crl_state_read(struct slice from, size_t entries_most, struct fault *fault);

#endif
