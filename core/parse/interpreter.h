/* From an event's body to a record: what a line says, by ECS name.
 *
 * The raw line is evidence and stays as it is; a record is one reading of it, and a better decoder reads old lines again.
 * An interpreter is set up once (zone, format, decoder files) and is only read from then on, by as many threads as like;
 * each thread has a record of its own. Reading an event allocates nothing and never fails: what cannot be decoded is
 * just `message`.
 *
 * Every record holds event.original (the raw line), tocsin.source (as the body names it) and message (the text behind
 * the header). Beside them, where the event tells:
 *   line      log.file.path; host.hostname, process.name, process.pid, log.syslog.* out of a syslog header; all of a JSON
 *             or logfmt line's fields; what a decoder captures and sets; tocsin.product, tocsin.category, tocsin.service
 *   journal   the same, and each of the journal's fields under its own name (_SYSTEMD_UNIT), but for MESSAGE
 *   state, gap        the event's fields as they stand; tocsin.product is tocsin, tocsin.category state or gap,
 *                     tocsin.service the source (agent, collector)
 *   alert, decision   tocsin.product tocsin, tocsin.category alert or decision, and the few fields a search needs, under
 *                     tocsin.alert. or tocsin.decision.; the whole is the JSON object in event.original
 * A line that a relay folded ("message repeated 3 times: [ … ]") is decoded by what it repeats; tocsin.repeated tells how
 * often. A later fragment of an over-long line is text alone: a header inside it is its writer's invention.
 *
 * Names that Tocsin itself vouches for (event.original, event.ingested, host.name, log.file.path, tocsin.*) are not taken
 * out of a JSON or logfmt line, except in LINE_ECS: otherwise a line could feign a gap or another host. */
#ifndef TOCSIN_INTERPRETER_H
#define TOCSIN_INTERPRETER_H

#include "event.h"
#include "fault.h"
#include "record.h"

#define INTERPRETER_DECODER_MOST (1024u * 1024) /* bytes of one decoder file */
#define INTERPRETER_PATTERNS_MOST 16384u        /* in all files together */
#define INTERPRETER_ZONE_MOST (18 * 60)         /* minutes east or west of UTC */

/* How lines are to be read. By itself (auto) a line that starts with "{" is JSON, with a syslog time or a <PRI> syslog,
 * and one that is nothing but key=value pairs logfmt. Of a file that a decoder names every line is that program's. */
enum line_format {
    LINE_AUTO = 0,
    LINE_SYSLOG,
    LINE_JSON,
    LINE_LOGFMT,
    LINE_PLAIN, /* no header, no fields */
    LINE_ECS, /* a JSON object of somebody who is trusted: every name in it stands ("jsonl" on the command line) */
};

/* "auto", "syslog", "json", "logfmt", "plain", "jsonl" (or "ecs"). */
bool line_format_by_name(struct slice name, enum line_format *ret_format);

struct interpreter;

/* Borrows the table, adds its names to it, and must be gone before it. Records given to interpreter_read are made with
 * the same table. */
struct interpreter *interpreter_create(struct symbols *symbols);
struct interpreter *interpreter_destroy(struct interpreter *interpreter); /* returns NULL */

/* Minutes east of UTC for times that name no zone; 0 by default. */
bool interpreter_set_zone(struct interpreter *interpreter, int minutes, struct fault *fault);
int interpreter_zone(const struct interpreter *interpreter);
void interpreter_set_format(struct interpreter *interpreter, enum line_format format);

/* Adds the decoders of one YAML file (decoder_file.h says how one is written). All of the file or, with a fault at
 * file:line:column, nothing. Where two decoders name one program, the one added later is asked first. */
bool interpreter_add_decoders(struct interpreter *interpreter, struct slice text, const char *file,
                              struct fault *fault);
size_t interpreter_pattern_count(const struct interpreter *interpreter);

/* Whether there can be an event of this log source: by a decoder, of Tocsin's own, or of a program that no decoder knows
 * (linux, with its name for service). What is empty may be anything. */
bool interpreter_gives(const struct interpreter *interpreter, struct slice product, struct slice category,
                       struct slice service);

/* Clears the record and fills it; its values borrow from the body. `reference_us` is about when the line was written (the
 * agent's time): it gives the year to a date that has none, the newest one that is not more than a day after it.
 * ret_line_time_us is the time that the line (or the journal) itself tells, 0 where it tells none. */
void interpreter_read(const struct interpreter *interpreter, const struct event_body *body,
                      uint64_t reference_us, struct record *record, uint64_t *ret_line_time_us);

#endif
