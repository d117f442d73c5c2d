/* The other side of a stream: the collector's when events come in, and every verifier's afterwards. It holds
 * what was accepted so far and says of the next run of events, part or closing entry whether it follows
 * (log-format: Batch entry, Parts, What a verifier must catch).
 *
 * Refusing changes nothing: the checker stands where it stood. Accepting moves it on at once, so an owner
 * whose commit fails afterwards loads it again from what is committed. Repeats are told apart from forks:
 * what is already here with equal content is CHECK_REPEATED.
 *
 * What is saved is small (identity, last entry, newest part); after stream_checker_load the events of the
 * open batch are given again, in order, by stream_checker_events. An idle stream takes about 600 bytes; the
 * open batch adds its trees and 33 bytes an event, all gone at its close. One thread at a time. */
#ifndef TOCSIN_STREAM_CHECKER_H
#define TOCSIN_STREAM_CHECKER_H

#include "batch_entry.h"
#include "batch_events.h"
#include "evidence_check.h"
#include "part.h"

struct stream_checker;

/* A stream that has no batch yet. */
struct stream_checker *stream_checker_create(enum lane lane, const struct hash *stream_id, uint32_t epoch,
                                             const struct verify_key *key);
/* Of a stream that has no batch yet: its first one here is `batch_seq`, and begins with event `event_seq`. What came before
 * is elsewhere (another log), so prev and cum of that entry, which must be a break, are taken as they are. */
void stream_checker_begin_at(struct stream_checker *checker, uint64_t batch_seq, uint64_t event_seq);
struct stream_checker *stream_checker_load(struct slice state, struct fault *fault);
/* From the middle of a stream on: behind an entry that is taken as it is, but for its signature and form. Its epoch and
 * stream are the checker's. */
struct stream_checker *stream_checker_resume(enum lane lane, const struct verify_key *key, struct slice bytes,
                                             struct fault *fault);
struct stream_checker *stream_checker_destroy(struct stream_checker *checker); /* returns NULL */
#define STREAM_CHECKER_STATE_MOST 1024u
bool stream_checker_save(const struct stream_checker *checker, struct buffer *to);

enum check stream_checker_events(struct stream_checker *checker, const struct batch_events *events,
                                 struct fault *fault);
/* All events that the part covers must be here. */
enum check stream_checker_part(struct stream_checker *checker, struct slice part_bytes, struct fault *fault);
enum check stream_checker_close(struct stream_checker *checker, struct slice entry_bytes,
                                struct slice list_bytes, struct fault *fault);
/* The next epoch under its key, after a rotation that the registry has accepted. False (FAULT_CONFLICT) when
 * the last entry is none. */
bool stream_checker_epoch(struct stream_checker *checker, const struct verify_key *key, struct fault *fault);

const struct hash *stream_checker_id(const struct stream_checker *checker);
uint32_t stream_checker_epoch_number(const struct stream_checker *checker);
uint64_t
stream_checker_batch_seq(const struct stream_checker *checker); /* of the open batch, or of the next one */
uint64_t stream_checker_first_seq(const struct stream_checker *checker); /* of that batch */
uint64_t stream_checker_next_seq(const struct stream_checker *checker);  /* the next event wanted */
uint64_t
stream_checker_attested(const struct stream_checker *checker); /* all before it: under a part or an entry */
bool stream_checker_ended(const struct stream_checker *checker);
/* The open epoch has had its last batch: nothing is taken before stream_checker_epoch. */
bool stream_checker_rotated(const struct stream_checker *checker);
struct slice stream_checker_last_entry(const struct stream_checker *checker); /* empty for none */
struct slice
stream_checker_newest_part(const struct stream_checker *checker); /* of the open batch; empty for none */
/* The class key that the open batch has for a class, NULL for none. */
const uint8_t *stream_checker_key(const struct stream_checker *checker, uint8_t class);
/* The running class list of the open batch. */
void stream_checker_class_list(const struct stream_checker *checker, struct class_list *ret_list);

#endif
