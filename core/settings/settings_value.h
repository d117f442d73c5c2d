/* Single values of settings: out of text into a struct's member, and what is said about them. Within core/settings alone.
 */
#ifndef TOCSIN_SETTINGS_VALUE_H
#define TOCSIN_SETTINGS_VALUE_H

#include "settings.h"

#define SETTINGS_SHOWN_SIZE                                                                                  \
    64 /* bytes of a key or value from outside as it stands in a sentence, its NUL included */

/* A name for what a row takes: "host:port", "time". */
const char *settings_type_word(const struct settings_row *row);
/* What a row takes, for a sentence: "a time such as 10s, 5m or 24h". */
bool settings_type_expected(const struct settings_row *row, struct buffer *to);

/* A number as a person would write it: 64M, 24h. */
void settings_number_text(enum settings_type type, uint64_t value, char *text, size_t size);

/* One scalar into its member, replacing what was there; a list's scalar is appended. Not for pairs and lists of maps. The
 * fault has no place. */
bool settings_value_read(const struct settings_row *row, struct slice text, void *member,
                         struct fault *fault);
/* The default's text into the member; nothing where there is none. */
bool settings_value_standard(const struct settings_row *row, void *member, struct fault *fault);
/* Whether there is something in it; numbers always have. */
bool settings_value_present(const struct settings_row *row, const void *member);
void settings_value_release(const struct settings_row *row, void *member);

bool settings_strings_add(struct settings_strings *strings, struct slice text);
void settings_strings_release(struct settings_strings *strings);

/* A bit of text from outside, fit for a sentence: cut at a whole character, control characters replaced. */
const char *settings_shown(struct slice text, char shown[SETTINGS_SHOWN_SIZE]);

/* How many characters must be changed, put in or left out to make one the other; `most` + 1 at most. */
size_t settings_distance(struct slice a, struct slice b, size_t most);
/* How far a name may be from a known one to be taken for a slip of the finger. */
static inline size_t settings_distance_most(struct slice name) {
    return name.size < 4 ? 1 : name.size / 3 + 1;
}

static inline void *settings_member(const struct settings_row *row, void *target) {
    return (uint8_t *)target + row->offset;
}

#endif
