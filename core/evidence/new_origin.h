/* The payload of a log's first control entry when it takes the place of one that cannot go on (log-format: Rollback, type 20;
 * FORMATS.md, New origin).
 *
 *     new origin = u8 size ‖ origin of the log before ‖ its public key[32]
 *                  ‖ u64 control entries ‖ H(the last one)[32] ‖ u64 log size ‖ root[32]      as they were restored
 *                  ‖ u16 size ‖ newest note that is known of it ‖ H(salt ‖ what was lost)[32]
 *                  ‖ u8 n ‖ n × H(public key)[32] ‖ genesis
 *
 * The genesis is that of the new log: the people, the registrar, the page and the policies that the log before had in force.
 * The n keys are those of them that are single there (control_people.h). Whoever has the control chain of the log before can
 * tell whether all of that is so (new_origin_follows); for everybody else it is a genesis.
 *
 * Reading is strict: the note, where there is one, is signed by the log before; single keys ascend, and the genesis names
 * them. What is read borrows from the bytes. */
#ifndef TOCSIN_NEW_ORIGIN_H
#define TOCSIN_NEW_ORIGIN_H

#include "genesis.h"

#define NEW_ORIGIN_NOTE_MOST 8192u /* log_watch.h keeps no more */
#define NEW_ORIGIN_SINGLES_MOST (1u + GENESIS_PEOPLE_MOST * PERSON_KEYS_MOST)

struct new_origin {
    struct slice before; /* the origin of the log before */
    struct verify_key before_key;
    uint64_t control_count;
    struct hash control_head;
    uint64_t size; /* what of its tree was restored */
    struct hash root;
    struct slice note;   /* empty: none is known */
    uint64_t known_size; /* of the note; 0 without one. From `read` */
    struct hash lost;    /* in words; zeros: nothing was said */
    uint8_t single_count;
    struct hash singles[NEW_ORIGIN_SINGLES_MOST];
    struct genesis genesis;
};

bool new_origin_write(struct buffer *to, const struct new_origin *origin);
bool new_origin_read(struct slice payload, struct new_origin *ret_origin, struct fault *fault);

#endif
