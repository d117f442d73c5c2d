/* An agent's signing keys in files: the one in force, and the next one from `tocsin-agent --rotate-key` until it is in
 * force itself.
 *
 * A rotation becomes true on the disk in this order, and every start finds out how far it got:
 *
 *     1. the spool is in the next epoch (lanes_rotate)     the spool's epoch is the membership's + 1
 *     2. the membership names epoch and key                the membership's key is in SITE_AGENT_NEXT_KEY
 *     3. SITE_AGENT_NEXT_KEY becomes SITE_AGENT_KEY        nothing is left to do
 *
 * The caller knows the spool, and calls agent_keys_advance after 1. */
#ifndef TOCSIN_AGENT_KEYS_H
#define TOCSIN_AGENT_KEYS_H

#include "ed25519.h"
#include "membership.h"

struct agent_keys {
    struct signing_key *key;
    struct signing_key *next; /* NULL for none */
};

/* Loads both, and does step 3 where it is what is left. A membership that knows no keys yet gets them: epoch 0, and the
 * key in force as the first. `data` is the folder of site_path. */
bool agent_keys_open(struct agent_keys *ret_keys, const char *data, struct membership *membership,
                     struct fault *fault);
void agent_keys_close(struct agent_keys *keys);

/* Looks anew for a next key; true where there is none, too. Nothing may be signed with the one before any more. */
bool agent_keys_look(struct agent_keys *keys, const char *data, struct fault *fault);
/* Whether the next key is still the one in its file. To be asked before anything is signed with it. */
bool agent_keys_stand(const struct agent_keys *keys, const char *data, struct fault *fault);

/* Steps 2 and 3: the next key is the one in force, in another epoch. After a fault it may be called again. The key that
 * was in force is gone afterwards. */
bool agent_keys_advance(struct agent_keys *keys, const char *data, struct membership *membership,
                        struct fault *fault);

/* Makes the next key, with the owner of the present one. ret_made is false where there is one already. */
bool agent_keys_make_next(const char *data, bool *ret_made, struct fault *fault);

#endif
