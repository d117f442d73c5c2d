/* What went wrong: a code for the program, a place and a sentence for a person.
 *
 * A function that can fail returns false (or NULL) and fills the fault that its caller gave; on success it leaves the
 * fault alone. A caller that knows better where it happened adds that with fault_place. Only wiring and main print a
 * fault or exit because of one. A sentence says what is wrong and, where it can, what to do about it. */
#ifndef TOCSIN_FAULT_H
#define TOCSIN_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_code {
    FAULT_NONE = 0,
    FAULT_USAGE,    /* the call, the settings or the command line are wrong */
    FAULT_FORMAT,   /* bytes that are not what they must be */
    FAULT_LIMIT,    /* larger, longer or more than allowed */
    FAULT_AUTH,     /* not who it should be: a signature, a token, a certificate */
    FAULT_CONFLICT, /* well-formed, but against what is already known: a fork, a gap, a replay */
    FAULT_MISSING,  /* not there */
    FAULT_SPACE,    /* no room: disk, quota, inodes */
    FAULT_IO,       /* the system said no */
    FAULT_BUSY,     /* not now; try again */
    FAULT_INTERNAL, /* cannot happen, and did */
};

#define FAULT_PLACE_SIZE 192
#define FAULT_TEXT_SIZE 384

struct fault {
    enum fault_code code;
    int system;                   /* errno where the system said no, otherwise 0 */
    char place[FAULT_PLACE_SIZE]; /* file:line:column, a key, a peer; may be empty */
    char text[FAULT_TEXT_SIZE];   /* one sentence, no newline */
};

/* Fills `fault` (which may be NULL) and returns false, so that a caller can return it at once. The place is emptied. */
bool fault_set(struct fault *fault, enum fault_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: appends what errno means; ENOSPC and EDQUOT become FAULT_SPACE. */
bool fault_set_system(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts a place in front of the one there is ("outer: inner"). Returns false. */
bool fault_place(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The three above return false. Said here, where compilers and analyzers of every caller see it, so that "success" with
 * outputs never written is no path for them. */
static inline bool fault_false(bool returned) {
    (void)returned;
    return false;
}
#define fault_set(...) fault_false(fault_set(__VA_ARGS__))
#define fault_set_system(...) fault_false(fault_set_system(__VA_ARGS__))
#define fault_place(...) fault_false(fault_place(__VA_ARGS__))

/* "place: text", for a person; points into a buffer of the caller's. */
#define FAULT_LINE_SIZE (FAULT_PLACE_SIZE + FAULT_TEXT_SIZE + 2)
const char *fault_line(const struct fault *fault, char line[FAULT_LINE_SIZE]);

/* A short word for a code, as it stands in events and metrics: "format", "limit". */
const char *fault_word(enum fault_code code);

#endif
