/* A decoder file: what the lines of some programs say, as data. YAML, one decoder a file; adding one takes no code.
 *
 *   decoder: sudo                       # its name
 *   programs: [sudo]                    # process.name of the lines it reads; "*" for those of every program
 *   files: [CommModule/logfile*.txt]    # where their log is a file of their own, without a program's name: path_pattern.h
 *   services: [sudo, auth]              # becomes tocsin.service on each of these lines
 *   product: linux                      # tocsin.product; linux where it is left out
 *   category: …                         # tocsin.category, where there is one
 *   set: {event.category: process}      # fields of every message that one of the patterns fits
 *   patterns:
 *     - match: '{user.name} : TTY={sudo.tty} ; PWD={working_directory:until} ; …'    # message_pattern.h
 *       set: {event.action: sudo_command, event.outcome: success}
 *       examples: ['alice : TTY=pts/0 ; …']
 *
 * The first pattern that fits a message reads it. A value in `set` that reads true, false or a number is one. Every
 * example must be read by the very pattern that it stands with, or the file is refused: so a pattern that can never be
 * reached is found when it is written. A line of one of the files is a time and then the message of the first program,
 * whatever else it looks like. With "*" the services are those of a message that fits, not of every line. */
#ifndef TOCSIN_DECODER_FILE_H
#define TOCSIN_DECODER_FILE_H

#include "message_pattern.h"

#define DECODER_SET_MOST 24u /* fields set by one pattern, the decoder's own included */

/* A field whose value is known before any event comes. */
struct decoder_field {
    uint32_t symbol;
    enum record_type type;
    struct slice value; /* the decoder's */
};

struct decoder_fields {
    struct decoder_field *items;
    size_t count;
};

struct decoder_pattern {
    struct message_pattern *pattern;
    struct decoder_fields set;
};

struct decoder {
    char *name;
    char **programs;
    size_t program_count;
    char **files;
    size_t file_count;
    struct decoder_fields origin; /* tocsin.product, tocsin.category, tocsin.service */
    struct decoder_pattern *patterns;
    size_t pattern_count;
    char **texts; /* what the values point into */
    size_t text_count;
};

/* Adds field names and programs to the table. NULL with a fault at file:line:column. */
struct decoder *decoder_file_read(struct slice text, const char *file, struct symbols *symbols,
                                  struct fault *fault);
struct decoder *decoder_destroy(struct decoder *decoder); /* returns NULL */

#endif
