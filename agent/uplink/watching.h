/* What the agent makes of a collector's checkpoints: every agent is a witness of the log (log-format: Streams, Parts).
 *
 * A checkpoint that is verified (log_watch.h) goes into the spool and into seen_* of the next entries, and the batches that
 * it holds leave the spool. One that contradicts the log ends all that: it is written into the file `refused` with the
 * reason, said loudly here and, as an event, to whoever still takes events; the session ends with a NACK; and as long as that
 * file is there, over restarts too, nothing leaves the spool and no checkpoint of that log is looked at. Events are sent on:
 * the file is a person's to remove, when they know what happened. Another collector's log is watched by itself.
 *
 * The file `witnesses` holds the policy: a line "needed N", then a line for each witness with its verifier key. It is written
 * at joining, or by the first WELCOME that brings one where there is none; a collector can only make it stricter after that. */
#ifndef TOCSIN_WATCHING_H
#define TOCSIN_WATCHING_H

#include "checkpoint_message.h"
#include "lanes.h"
#include "log_watch.h"

struct watching;

struct watching_settings {
    const char *origin;
    const uint8_t *log_key; /* 32 bytes */
    const char *witnesses;  /* paths of the two files */
    const char *refused;
    void *context;
    /* A state event of the agent's own: name and sentence; `evidence` (empty for none) is what was verified and refused. */
    void (*tell)(void *context, const char *event, const char *text, struct slice evidence);
    void (*changed)(void *context); /* something waits to be written to the spool */
    unsigned collector;             /* whose log it is: its number in the spool */
};

/* Paths and strings are copied. Reads the files, and goes on from the note in the spool, which is borrowed. */
struct watching *watching_create(const struct watching_settings *settings, struct lanes *lanes,
                                 struct fault *fault);
struct watching *watching_destroy(struct watching *watching); /* returns NULL */

/* A session begins: what HELLO says. */
void watching_session(struct watching *watching, const uint64_t proved[LANES]);
/* A checkpoint was refused, and no person has acted yet: nothing leaves the spool. */
bool watching_is_stopped(const struct watching *watching);
/* The newest verified note; empty for none. */
struct slice watching_note(const struct watching *watching);
bool watching_take(struct watching *watching, const struct checkpoint_message *message, uint64_t now_us,
                   struct fault *fault);
/* The collector contradicts what a checkpoint of its log held (lanes_greeted). */
void watching_refuse(struct watching *watching, const char *word, const char *reason, struct slice note);
/* Of a WELCOME: as watching_keep_policy where no policy is known, or where it is at least as strict as the known one (every
 * checkpoint that meets it meets that one): so a host follows from no witnesses to some. Any other is told, and not taken. */
void watching_take_policy(struct watching *watching, struct slice policy);

/* At joining: writes the policy (as JOINED brings it; empty for none) and forgets what was refused before. */
bool watching_keep_policy(const char *witnesses, struct slice policy, const struct verify_key *log_key,
                          struct fault *fault);

#endif
