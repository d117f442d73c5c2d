/* Rotation of this host's signing key while the agent runs (FORMATS.md, Rotation):
 *
 *     `tocsin-agent --rotate-key` makes the next key and sends SIGHUP → key_rotation_look
 *     all that was closed so far is acknowledged → each collector is told the key and a statement for its log
 *     ROTATED from all of them → both lanes end their epoch and begin the next, one record of the spool → files (agent_keys.h)
 *
 * It waits until every collector is there: one that is gone for good has to be left (the setting `collector`).
 * A kill at any point is made good by the next start. Where a collector refuses, the key in force stays, and the next
 * SIGHUP or start asks again.
 *
 * Ownership: strings, membership, lanes and collectors are borrowed. One thread. */
#ifndef TOCSIN_KEY_ROTATION_H
#define TOCSIN_KEY_ROTATION_H

#include "collectors.h"
#include "membership.h"

struct key_rotation;

struct key_rotation_settings {
    const char *data;              /* the folder of site_path */
    struct membership *membership; /* of this host; kept true */
    void *context;
    /* An event of the agent's own. */
    void (*tell)(void *context, const char *event, const char *text);
};

/* Loads the keys. */
struct key_rotation *key_rotation_create(const struct key_rotation_settings *settings, struct fault *fault);
struct key_rotation *key_rotation_destroy(struct key_rotation *rotation); /* returns NULL; after the lanes */

/* For lanes_open: the key in force, and the next one, NULL for none. */
const struct signing_key *key_rotation_key(const struct key_rotation *rotation);
const struct signing_key *key_rotation_next(const struct key_rotation *rotation);

/* Once these are there; finishes what a kill has cut short, and looks for a next key. */
void key_rotation_start(struct key_rotation *rotation, struct lanes *lanes,
                        const struct collectors *collectors);

/* Whether there is a next key to rotate to. */
void key_rotation_look(struct key_rotation *rotation);
/* In each turn after lanes_tick; and after each flush that succeeded. */
void key_rotation_turn(struct key_rotation *rotation, uint64_t now_us);
void key_rotation_flushed(struct key_rotation *rotation);
/* When the next turn is wanted at the latest, as a delay; UINT64_MAX for never. */
uint64_t key_rotation_delay_us(const struct key_rotation *rotation);

/* `tocsin-agent --rotate-key`: makes the next key and tells the agent that runs. The sentence is for a person. */
bool key_rotation_request(const char *data, char *ret_sentence, size_t size, struct fault *fault);

#endif
