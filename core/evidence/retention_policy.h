/* How long each class is kept at least and at most (log-format: Retention; FORMATS.md, Policies).
 *
 *     retention policy = u16 veto window in days ‖ u8 n ‖ n × (u8 class ‖ term of the minimum ‖ term of the maximum)
 *     term             = u8 kind ‖ u16 months
 *
 * A class that is not named is kept for ever. A value; reading is strict: known classes, ascending, no maximum below its
 * minimum. Calendar arithmetic over terms is the matter of whoever applies them. */
#ifndef TOCSIN_RETENTION_POLICY_H
#define TOCSIN_RETENTION_POLICY_H

#include "bytes.h"
#include "class.h"
#include "fault.h"

enum term_kind {
    TERM_MONTHS = 0,      /* calendar months */
    TERM_SYSTEM_LIFE = 1, /* from the host's decommissioning, and months */
    TERM_INDEFINITE = 2,  /* months 0 */
};

struct term {
    enum term_kind kind;
    uint16_t months;
};

struct retention_policy {
    uint16_t veto_days;
    struct {
        bool there;
        struct term minimum, maximum;
    } classes[CLASSES];
};

bool retention_policy_write(struct buffer *to, const struct retention_policy *policy);
bool retention_policy_read(struct bytes_reader *from, struct retention_policy *ret_policy,
                           struct fault *fault);

/* Which of two terms is the longer: negative, 0 or positive. System life outlasts months, and is outlasted by indefinite. */
int term_compare(struct term a, struct term b);

#endif
