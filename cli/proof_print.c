#include "proof_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "calendar.h"
#include "counted.h"
#include "encoding.h"
#include "event_print.h"
#include "log_access.h"
#include "memory.h"
#include "record_json.h"

#define LINE_MOST (1024u * 1024)

/* ---- trust */

bool proof_trust(const struct command_context *context, const char *path, struct trust *ret_trust,
                 struct fault *fault) {
    if (path) {
        CLEANUP_BUFFER struct buffer text = BUFFER(TRUST_FILE_MOST);
        return files_read(path, &text, fault) &&
               (trust_read(buffer_slice(&text), ret_trust, fault) || fault_place(fault, "%s", path));
    }
    struct fault inner = {0};
    struct log_access *access = log_access_open(context, &inner);
    bool good = access && log_access_trust(access, ret_trust, &inner);
    log_access_close(access);
    return good || fault_set(fault, FAULT_MISSING,
                             "a proof that brings its own keys proves nothing: name a trust file (--trust F) "
                             "or a site (%.120s)",
                             inner.text);
}

/* ---- lines */

static void member(struct buffer *line, const char *name, struct slice value) {
    buffer_printf(line, "%s\"%s\":", line->size > 1 ? "," : "", name);
    record_json_string(line, value);
}

static void member_time(struct buffer *line, const char *name, uint64_t time_us) {
    char text[CALENDAR_TEXT_SIZE];
    calendar_text(time_us, text);
    member(line, name, slice_string(text));
}

static void end_line(struct buffer *line, bool json) {
    buffer_append_string(line, json ? "}" : "");
    puts(buffer_string(line));
}

void proof_print_bad(const struct command_context *context, const char *file, const struct fault *fault) {
    CLEANUP_BUFFER struct buffer line = BUFFER(LINE_MOST);
    char text[FAULT_LINE_SIZE];
    if (context->json) {
        buffer_append_string(&line, "{");
        member(&line, "place", slice_string(fault->place[0] ? fault->place : file));
        member(&line, "verdict", SLICE("ALTERED"));
        member(&line, "reason", slice_string(fault->text));
        member(&line, "file", slice_string(file));
    } else
        buffer_printf(&line, "BAD  %s: %s", file, fault_line(fault, text));
    end_line(&line, context->json);
}

/* ---- events */

static void id_of(const struct excerpt_event *event, char *ret_id, size_t size) {
    char hex[9];
    encoding_hex(event->proof.entry.stream_id.bytes, 4, hex);
    snprintf(ret_id, size, "%.*s%s~%s/%" PRIu64, SLICE_ARG(event->host),
             event->lane == LANE_BULK ? "/bulk" : "", hex, event->proof.event.seq);
}

static void words(struct buffer *line, const struct excerpt_event *event, const char *between,
                  const char *quote) {
    const struct {
        bool there;
        const char *word;
    } all[] = {{event->unwitnessed, "UNWITNESSED"},
               {event->orphaned, "ORPHANED"},
               {event->unattested, "UNATTESTED"},
               {event->unconfirmed, "UNCONFIRMED"},
               {event->single_control, "SINGLE-CONTROL"}};
    const char *before = "";
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].there) {
            buffer_printf(line, "%s%s%s%s", before, quote, all[i].word, quote);
            before = between;
        }
}

/* The line itself where the body has one, else the body. */
static struct slice raw_of(struct slice body, struct event_field *fields) {
    struct event_body read;
    return event_body_read(body, fields, &read, NULL) && read.raw.size ? read.raw : SLICE("");
}

static void event_json(struct buffer *line, const char *file, const struct excerpt_event *event,
                       struct event_field *fields) {
    char id[STREAM_NAME_SIZE + 64];
    buffer_append_string(line, "{");
    if (event->verdict != VERDICT_OPENED) {
        snprintf(id, sizeof id, "%s: event %zu", file, event->number);
        member(line, "place", slice_string(id));
        member(line, "verdict", slice_string(verdict_name(event->verdict)));
        member(line, "reason", slice_string(event->fault.text));
        return;
    }
    id_of(event, id, sizeof id);
    member(line, "id", slice_string(id));
    member(line, "verdict", slice_string(verdict_name(event->verdict)));
    member_time(line, "@timestamp", event->proof.event.time_us);
    buffer_printf(line, ",\"host\":{\"name\":");
    record_json_string(line, event->host);
    buffer_printf(line, "},\"tocsin\":{\"class\":\"%s\",\"log_index\":%" PRIu64 "}",
                  class_name(event->proof.event.class), event->log_index);
    buffer_append_string(line, ",\"event\":{\"original\":");
    record_json_string(line, raw_of(event->proof.event.body, fields));
    buffer_append_string(line, "},\"restrictions\":[");
    words(line, event, ",", "\"");
    buffer_append_string(line, "]");
}

static void event_text(struct buffer *line, const struct excerpt_event *event, struct event_field *fields) {
    char id[STREAM_NAME_SIZE + 64], time[CALENDAR_TEXT_SIZE];
    if (event->verdict != VERDICT_OPENED) {
        buffer_printf(line, "%-8s event %zu: %s", verdict_name(event->verdict), event->number,
                      event->fault.text);
        return;
    }
    id_of(event, id, sizeof id);
    calendar_text(event->proof.event.time_us, time);
    buffer_printf(line, "%-8s %s %s %s  ", verdict_name(event->verdict), time, id,
                  class_name(event->proof.event.class));
    event_print_append(line, raw_of(event->proof.event.body, fields));
    size_t before = line->size;
    buffer_append_string(line, "  [");
    words(line, event, " ", "");
    if (line->data[line->size - 1] == '[')
        line->size = before;
    else
        buffer_append_string(line, "]");
}

void proof_print_event(const struct command_context *context, const char *file,
                       const struct excerpt_event *event) {
    CLEANUP_BUFFER struct buffer line = BUFFER(4 * LINE_MOST);
    struct event_field *fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *fields);
    if (context->json)
        event_json(&line, file, event, fields);
    else
        event_text(&line, event, fields);
    end_line(&line, context->json);
    memory_cleanup(&fields);
}

void proof_print_excerpt(const struct command_context *context, const char *file,
                         const struct excerpt_summary *summary) {
    CLEANUP_BUFFER struct buffer line = BUFFER(LINE_MOST);
    char time[CALENDAR_TEXT_SIZE] = "";
    if (summary->latest_us)
        calendar_text(summary->latest_us, time);
    if (context->json) {
        buffer_append_string(&line, "{\"kind\":\"summary\"");
        member(&line, "file", slice_string(file));
        buffer_printf(&line, ",\"events\":%zu,\"altered\":%zu,\"log_size\":%" PRIu64 ",\"unwitnessed\":%s",
                      summary->events, summary->altered, summary->size,
                      summary->unwitnessed ? "true" : "false");
        if (time[0])
            member(&line, "cosigned", slice_string(time));
    } else
        buffer_printf(&line, "%s: %s: %s, %zu altered; in the log of %s%s%s", file,
                      summary->altered ? "NOT good" : "Good", COUNTED(summary->events, "event"), summary->altered,
                      COUNTED_AS(summary->size, "entry", "entries"), time[0] ? ", cosigned " : ", UNWITNESSED", time);
    end_line(&line, context->json);
}

/* ---- several logs */

void proof_print_fork(const struct command_context *context, const char *stream, const struct sighting *first,
                      const struct sighting *second) {
    CLEANUP_BUFFER struct buffer line = BUFFER(LINE_MOST);
    const struct sighting *both[] = {first, second};
    if (context->json) {
        buffer_append_string(&line, "{");
        member(&line, "verdict", SLICE("FORK"));
        member(&line, "stream", slice_string(stream));
        buffer_printf(&line, ",\"batch_seq\":%" PRIu64 ",\"logs\":[", first->batch_seq);
        for (size_t i = 0; i < 2; i++) {
            buffer_append_string(&line, i ? ",{\"origin\":" : "{\"origin\":");
            record_json_string(&line, both[i]->origin);
            member(&line, "file", slice_string(both[i]->file));
            buffer_printf(&line, ",\"index\":%" PRIu64 "}", both[i]->log_index);
        }
        buffer_append_string(&line, "]");
    } else
        buffer_printf(&line,
                      "FORK     %s batch %" PRIu64 ": entry %" PRIu64 " of %.*s (%s) and entry %" PRIu64
                      " of %.*s (%s) are not the same: its key has signed two stories",
                      stream, first->batch_seq, first->log_index, SLICE_ARG(first->origin), first->file,
                      second->log_index, SLICE_ARG(second->origin), second->file);
    end_line(&line, context->json);
}

void proof_print_compared(const struct command_context *context, size_t logs, uint64_t alike, uint64_t forks) {
    if (context->json)
        printf("{\"kind\":\"comparison\",\"logs\":%zu,\"alike\":%" PRIu64 ",\"forks\":%" PRIu64 "}\n", logs, alike,
               forks);
    else
        printf("%s: %" PRIu64 " batches stand alike in several of %zu logs, %" PRIu64 " in two versions\n",
               forks ? "NOT good" : "Good", alike, logs, forks);
}

/* ---- absence */

static void interval_json(struct buffer *line, const struct absence_interval *interval) {
    buffer_append_string(line, "{\"kind\":\"interval\"");
    member_time(line, "from", interval->from_us);
    member_time(line, "to", interval->to_us);
    member(line, "verdict", slice_string(attestation_name(interval->attestation)));
    buffer_printf(line, ",\"events\":%" PRIu64, interval->events);
    if (interval->last_batch >= interval->first_batch)
        buffer_printf(line, ",\"batches\":[%" PRIu64 ",%" PRIu64 "]", interval->first_batch,
                      interval->last_batch);
    if (interval->why)
        member(line, "reason", slice_string(interval->why));
    if (interval->attestation == ATTESTATION_SELF_CLOCKED) {
        if (interval->not_before_us)
            member_time(line, "not_before", interval->not_before_us);
        if (interval->not_after_us != UINT64_MAX)
            member_time(line, "not_after", interval->not_after_us);
    }
}

static void interval_text(struct buffer *line, const struct absence_interval *interval) {
    char from[CALENDAR_TEXT_SIZE], to[CALENDAR_TEXT_SIZE];
    calendar_text(interval->from_us, from);
    calendar_text(interval->to_us, to);
    buffer_printf(line, "%s  %s  %-12s", from, to, attestation_name(interval->attestation));
    if (interval->events)
        buffer_printf(line, "  EVENTS %" PRIu64, interval->events);
    else
        buffer_append_string(line, interval->attestation == ATTESTATION_UNATTESTED ? "  unknown" : "  none");
    if (interval->why)
        buffer_printf(line, "  (%s)", interval->why);
    if (interval->attestation == ATTESTATION_SELF_CLOCKED) {
        char least[CALENDAR_TEXT_SIZE] = "?", most[CALENDAR_TEXT_SIZE] = "?";
        if (interval->not_before_us)
            calendar_text(interval->not_before_us, least);
        if (interval->not_after_us != UINT64_MAX)
            calendar_text(interval->not_after_us, most);
        buffer_printf(line, "  witnesses: %s to %s", least, most);
    }
}

static const char *conclusion(const struct absence *absence) {
    if (absence->throughout)
        return "no event throughout, witnessed";
    return absence->events ? "there were events" : "no event where it is attested";
}

static void absence_end(const struct command_context *context, const char *file,
                        const struct absence *absence) {
    CLEANUP_BUFFER struct buffer line = BUFFER(LINE_MOST);
    if (context->json) {
        buffer_append_string(&line, "{\"kind\":\"summary\"");
        member(&line, "file", slice_string(file));
        member(&line, "stream", slice_string(absence->stream));
        member(&line, "class", slice_string(class_name(absence->class)));
        member_time(&line, "from", absence->from_us);
        member_time(&line, "to", absence->to_us);
        buffer_printf(&line,
                      ",\"intervals\":%zu,\"batches\":%" PRIu64 ",\"events\":%" PRIu64
                      ",\"throughout\":%s,\"unwitnessed\":%s,\"unconfirmed\":%s,\"single_control\":%s",
                      absence->interval_count, absence->entries, absence->events,
                      absence->throughout ? "true" : "false", absence->unwitnessed ? "true" : "false",
                      absence->unconfirmed ? "true" : "false", absence->single_control ? "true" : "false");
    } else
        buffer_printf(&line, "%s: Good: %s, class %s: %s (%s%s%s%s)", file, absence->stream,
                      class_name(absence->class), conclusion(absence), COUNTED_AS(absence->entries, "batch", "batches"),
                      absence->unwitnessed ? ", UNWITNESSED" : "",
                      absence->unconfirmed ? ", UNCONFIRMED" : "",
                      absence->single_control ? ", SINGLE-CONTROL" : "");
    end_line(&line, context->json);
}

void proof_print_absence(const struct command_context *context, const char *file,
                         const struct absence *absence) {
    for (size_t i = 0; i < absence->interval_count; i++) {
        CLEANUP_BUFFER struct buffer line = BUFFER(LINE_MOST);
        if (context->json)
            interval_json(&line, &absence->intervals[i]);
        else
            interval_text(&line, &absence->intervals[i]);
        end_line(&line, context->json);
    }
    absence_end(context, file, absence);
}
