#include "retention_policy.h"

int term_compare(struct term a, struct term b) {
    if (a.kind != b.kind)
        return a.kind < b.kind ? -1 : 1;
    return a.months < b.months ? -1 : a.months > b.months;
}

static void term_write(struct buffer *to, struct term term) {
    bytes_write_u8(to, (uint8_t)term.kind);
    bytes_write_u16(to, term.months);
}

bool retention_policy_write(struct buffer *to, const struct retention_policy *policy) {
    unsigned count = 0;
    for (unsigned class = 0; class < CLASSES; class ++)
        count += policy->classes[class].there;
    bytes_write_u16(to, policy->veto_days);
    bytes_write_u8(to, (uint8_t)count);
    for (unsigned class = 0; class < CLASSES; class ++) {
        if (!policy->classes[class].there)
            continue;
        bytes_write_u8(to, (uint8_t) class);
        term_write(to, policy->classes[class].minimum);
        term_write(to, policy->classes[class].maximum);
    }
    return !to->overflow;
}

static bool term_read(struct bytes_reader *from, struct term *ret_term) {
    unsigned kind = bytes_read_u8(from);
    ret_term->months = bytes_read_u16(from);
    ret_term->kind = (enum term_kind)kind;
    return kind <= TERM_INDEFINITE && !(kind == TERM_INDEFINITE && ret_term->months != 0);
}

/* `next`: the lowest class that may come. */
static bool class_read(struct bytes_reader *from, unsigned *next, struct retention_policy *policy,
                       struct fault *fault) {
    unsigned class = bytes_read_u8(from);
    struct term minimum, maximum;
    bool terms = term_read(from, &minimum);
    terms = term_read(from, &maximum) && terms;
    if (from->failed)
        return fault_set(fault, FAULT_FORMAT, "the retention policy is cut short");
    if (class >= CLASSES || class < *next)
        return fault_set(fault, FAULT_FORMAT, "the retention policy names class %u, unknown or out of order",
                         class);
    if (!terms || term_compare(maximum, minimum) < 0)
        return fault_set(fault, FAULT_FORMAT,
                         "the terms of class %u are none, or its maximum is below its minimum", class);
    policy->classes[class].there = true;
    policy->classes[class].minimum = minimum;
    policy->classes[class].maximum = maximum;
    *next = class + 1;
    return true;
}

bool retention_policy_read(struct bytes_reader *from, struct retention_policy *ret_policy,
                           struct fault *fault) {
    struct retention_policy policy = {.veto_days = bytes_read_u16(from)};
    unsigned count = bytes_read_u8(from), next = 0;
    if (from->failed)
        return fault_set(fault, FAULT_FORMAT, "the retention policy is cut short");
    for (unsigned i = 0; i < count; i++)
        if (!class_read(from, &next, &policy, fault))
            return false;
    *ret_policy = policy;
    return true;
}
