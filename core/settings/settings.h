/* Settings: YAML read by one table, which also gives the defaults, the checks and the manual page.
 *
 * A table's row names a key ("mail.server": a map for each dot), says what it holds and where it goes in a
 * plain struct. Reading: settings_start puts the defaults in, settings_read takes a file, once for each
 * (DIR/x.yaml, then x.d/…yaml in the order of their names), settings_finish looks at the whole. Several
 * files: of single values the later one wins, lists are appended to, pairs too (the later value of a name
 * wins); a list's default stands only if no file has it.
 *
 * Errors name file, line and column (from 1), what was expected with an example, and for an unknown key the
 * nearest one. Refused besides: invalid UTF-8, duplicate keys, aliases, tags, a second document, texts over
 * SETTINGS_TEXT_MOST, lists over SETTINGS_ITEMS_MOST. An empty text is fine.
 *
 * Ownership: whatever the struct's members point to belongs to the struct; settings_release frees it, also
 * after a failure. Relative paths are below the site's folder once settings_resolve has been called. Pure: opens no file. Source: YAML 1.2 by libfyaml. */
#ifndef TOCSIN_SETTINGS_H
#define TOCSIN_SETTINGS_H

#include "buffer.h"
#include "fault.h"

#define SETTINGS_TEXT_MOST (1024u * 1024)
#define SETTINGS_ITEMS_MOST 10000u
#define SETTINGS_STRING_MOST 65536u
#define SETTINGS_NO_WORD UINT32_MAX

/* What a value is, how it is written, and the member that takes it. */
enum settings_type {
    SETTINGS_STRING,   /* any text → char *, NULL: not set */
    SETTINGS_PATH,     /* text without control characters → char *, NULL: not set */
    SETTINGS_ADDRESS,  /* host:port, [::1]:port → struct settings_address */
    SETTINGS_ENDPOINT, /* the same, or /a/local/socket → struct settings_address */
    SETTINGS_WORD,     /* one of `words` → unsigned: which; SETTINGS_NO_WORD until a required one is read */
    SETTINGS_BOOL,     /* true, false → bool */
    SETTINGS_UNSIGNED, /* 42 → uint64_t */
    SETTINGS_DURATION, /* 500ms, 10s, 5m, 24h, 7d → uint64_t, microseconds */
    SETTINGS_SIZE,     /* 4096, 64K, 16M, 1G, 2T → uint64_t, bytes */
    SETTINGS_STRINGS,  /* [a, b], or a alone → struct settings_strings */
    SETTINGS_PATHS,    /* the same, of paths */
    SETTINGS_PAIRS,    /* {name: value} → struct settings_pairs */
    SETTINGS_LIST,     /* [{…}, {…}], each by the table `items` → struct settings_list */
    SETTINGS_PLACE,    /* no key: where this map stands, "file:line:column" → char * */
};

struct settings_address {
    char *host; /* without brackets; a path if it begins with "/" (endpoints alone); NULL: not set */
    uint16_t port;
};

struct settings_strings {
    char **items;
    size_t count;
    bool set; /* a file has it, maybe empty */
};

struct settings_pair {
    char *name, *value;
};

struct settings_pairs {
    struct settings_pair *items;
    size_t count;
    bool set;
};

struct settings_list {
    void *items; /* an array of the struct that `items` describes */
    size_t count;
    bool set;
};

struct settings_row {
    const char *path;
    enum settings_type type;
    size_t offset;        /* offsetof(struct …, member) */
    const char *standard; /* the default, as it would be written; NULL: none */
    bool required;        /* it must stand in one of the files */
    uint64_t minimum; /* of a number, duration or size; for an address the port where none is written, 0: must
                         be */
    uint64_t maximum; /* 0: none; for strings and lists the most of them */
    const char *const *words;           /* for SETTINGS_WORD, NULL at the end */
    const struct settings_table *items; /* for SETTINGS_LIST */
    const char *about;                  /* one sentence, for the manual */
    const char *example;                /* as it would be written; NULL: the default is one */
};

struct settings_table {
    const struct settings_row *rows;
    size_t count;
    size_t size; /* of the struct */
    /* Looks at the struct as a whole, after its rows: what must or must not stand together. May be NULL. The
     * fault's place is filled by the caller. For the outermost table it is called by settings_finish. */
    bool (*check)(const void *target, struct fault *fault);
};

#define SETTINGS_TABLE(rows_array, type, check_function)                                                     \
    { (rows_array), sizeof(rows_array) / sizeof *(rows_array), sizeof(type), (check_function) }

void settings_start(const struct settings_table *table, void *target);
/* On failure `target` holds a part of the text: release it. `name` is the file's, for places. */
bool settings_read(const struct settings_table *table, struct slice text, const char *name, void *target,
                   struct fault *fault);
/* Puts the folder in front of every relative path. Before settings_finish, whose check sees whole paths. */
void settings_resolve(const struct settings_table *table, const char *folder, void *target);
/* `name` is the main file's. */
bool settings_finish(const struct settings_table *table, const char *name, void *target, struct fault *fault);
void settings_release(const struct settings_table *table, void *target); /* leaves it zeroed */

/* The section of a manual page about the table's keys, in roff (man macros). */
bool settings_manual(const struct settings_table *table, struct buffer *to);
/* YAML with every key commented out, its default or an example, and its sentence above it. */
bool settings_example(const struct settings_table *table, struct buffer *to);

/* Single values, for command lines. */
bool settings_duration_parse(struct slice text, uint64_t *ret_us);
bool settings_size_parse(struct slice text, uint64_t *ret_bytes);
/* `port` is taken where none is written, 0: must be. On success the host is the caller's to free. */
bool settings_address_parse(struct slice text, uint16_t port, struct settings_address *ret_address);

#endif
