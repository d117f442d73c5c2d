/* What people decide about alerts, and what they note by hand (log-format: Statements, types 18 and 19; FORMATS.md,
 * Decisions and notes).
 *
 *     decision = u8 kind ‖ u8 size ‖ subject ‖ u8 size ‖ value ‖ u64 until_us ‖ H(reason)
 *     note     = u8 kind ‖ u8 n ‖ n × person's id[32] ‖ H(text)
 *
 * Subjects and values are 1 to 64 printable ASCII characters without blanks: the id of an alert, "2026-W47", the id of a
 * rule. A value goes with a reclassification alone (the severity), `until` with a silence alone. The persons of a note were
 * there, too; their ids ascend. Texts stand as salted_text.h says, a note's is there. What is read borrows. */
#ifndef TOCSIN_DECISION_H
#define TOCSIN_DECISION_H

#include "bytes.h"
#include "fault.h"
#include "sha256.h"

#define DECISION_SUBJECT_MOST 64u
#define NOTE_PEOPLE_MOST 16u

enum decision_kind {
    DECISION_ACKNOWLEDGE = 1,
    DECISION_RECLASSIFY = 2,
    DECISION_RESOLVE = 3,
    DECISION_SIGN_OFF = 4,
    DECISION_SILENCE = 5,
};
#define DECISION_KINDS 5u

struct decision {
    enum decision_kind kind;
    struct slice subject;
    struct slice value;
    uint64_t until_us;
    struct hash reason;
};

enum note_kind {
    NOTE_PLAIN = 0,
    NOTE_VISIT = 1,
    NOTE_EMERGENCY = 2,
    NOTE_PASSWORD = 3,
    NOTE_BACKUP_VERIFIED = 4,
};
#define NOTE_KINDS 4u /* the highest */

struct person_note {
    enum note_kind kind;
    uint8_t person_count;
    struct hash people[NOTE_PEOPLE_MOST];
    struct hash text;
};

/* An acknowledgement of the subject "day-N" is about a day of the log, N its opening mark's ctl_seq; any other, like a
 * reclassification and a resolution, is about an alert. */
bool decision_of_day(const struct decision *decision, uint64_t *ret_day);
bool decision_of_alert(const struct decision *decision);
const char *decision_name(unsigned kind);    /* "sign off"; NULL for a number that is none */
const char *person_note_name(unsigned kind); /* "backup-verified"; NULL for a number that is none */
bool decision_write(struct buffer *to, const struct decision *decision);
bool decision_read(struct slice payload, struct decision *ret_decision, struct fault *fault);
bool person_note_write(struct buffer *to, const struct person_note *note);
bool person_note_read(struct slice payload, struct person_note *ret_note, struct fault *fault);

#endif
