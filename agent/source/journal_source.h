/* The systemd journal.
 *
 * Each entry is an event of kind JOURNAL: raw is MESSAGE, source_time_us the entry's own realtime, the fields are the
 * entry's as they are (binary values and repeated names too), without MESSAGE. The position is the entry's cursor.
 *
 * Limits: MESSAGE over SOURCE_LINE_MOST is given in fragments (fragment.* as a file's), the fields with the first. Another
 * field over JOURNAL_FIELD_MOST, or past JOURNAL_FIELDS_MOST bytes in all, is cut, and NAME.total and NAME.sha256 say what
 * it was. Of one field at most JOURNAL_DATA_MOST bytes are looked at.
 *
 * Gaps (gap.unit=entries): the journal numbers its entries, so what was vacuumed before it was read or is too damaged to
 * be read is counted: gap.reason lost, gap.first and gap.count. When the position's entry is gone and nothing is left of
 * its numbering, reading goes on at the next entry by time, with gap.count "unknown".
 *
 * `unless`: where rsyslog also writes the journal to files that are read, every line would come twice. The source reads
 * only while none of these files exists. That is looked at at the start and every JOURNAL_LOOK_US; when one appears,
 * reading stops; when none has been there for JOURNAL_RETURN_US (a rotation is shorter), it goes on with the entries since
 * the last time one was seen. What was written in the seconds around such a change may come from both.
 *
 * A folder that is not there yet is waited for. One thread. */
#ifndef TOCSIN_JOURNAL_SOURCE_H
#define TOCSIN_JOURNAL_SOURCE_H

#include "source.h"

#define JOURNAL_FIELD_MOST (16u * 1024)
#define JOURNAL_FIELDS_MOST (96u * 1024)
#define JOURNAL_DATA_MOST (8u * 1024 * 1024)
#define JOURNAL_TURN_MOST 4096u /* entries in one turn */
#define JOURNAL_LOOK_US 60000000u
#define JOURNAL_RETURN_US 600000000u
#define JOURNAL_WAIT_US 10000000u /* between looks for a folder that is missing */

/* An entry with this value in this field has this class; the first row that fits counts. */
struct journal_class_row {
    const char *field, *value;
    enum event_class class;
};

struct journal_source_settings {
    const char *directory;                   /* NULL: this machine's journal */
    const struct journal_class_row *classes; /* before the built-in rows; borrowed for the source's life */
    size_t class_count;
    const char *const *unless; /* paths; copied */
    size_t unless_count;
    bool from_end; /* at the very first start */
};

/* By facility (auth, authpriv) or program (sshd, sudo, su, login, systemd-logind): access. All else: system. */
extern const struct journal_class_row journal_class_rows[];

struct source *journal_source_create(const struct journal_source_settings *settings,
                                     const struct source_output *output, struct fault *fault);

#endif
