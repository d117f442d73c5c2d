#include "alert_mail.h"

#include "calendar.h"
#include "encoding.h"

#define SUBJECT_MOST 160u

/* How many bytes of well-formed UTF-8 stand here: 0 for a byte that is none. */
static size_t character_size(struct slice text) {
    for (size_t size = 1; size <= 4 && size <= text.size; size++)
        if (encoding_is_utf8(slice_head(text, size)))
            return size;
    return 0;
}

/* Text of other machines: one line, nothing that moves a cursor, cut with a mark. */
static void write_clean(struct buffer *to, struct slice text, size_t most) {
    size_t written = 0;
    for (size_t at = 0; at < text.size;) {
        size_t size = character_size(slice_from(text, at));
        uint8_t byte = text.data[at];
        bool control = size == 1 && (byte < 0x20 || byte == 0x7f);
        bool control_wide = size == 2 && byte == 0xc2 && text.data[at + 1] < 0xa0;
        size_t shown = size && !control && !control_wide ? size : 1;
        if (written + shown > most) {
            buffer_append_string(to, "…");
            return;
        }
        if (size && !control && !control_wide)
            buffer_append(to, text.data + at, size);
        else
            buffer_append_string(to, byte == '\t' ? " " : "?");
        written += shown;
        at += size ? size : 1;
    }
}

/* "2026-11-21 18:44:24 UTC" */
static void write_time(struct buffer *to, uint64_t time_us) {
    char text[CALENDAR_TEXT_SIZE];
    calendar_text(time_us, text);
    buffer_printf(to, "%.10s %.8s UTC", text, text + 11);
}

static void write_entity(struct buffer *to, const struct alert *alert, size_t most) {
    bool some = false;
    for (size_t i = 0; i < alert->entity_count; i++) {
        if (slice_equal(alert->entity[i].name, SLICE("host.name")))
            continue; /* stands in front already */
        buffer_append_string(to, some ? ", " : "");
        write_clean(to, alert->entity[i].value, most);
        some = true;
    }
}

static bool has_entity(const struct alert *alert) {
    for (size_t i = 0; i < alert->entity_count; i++)
        if (!slice_equal(alert->entity[i].name, SLICE("host.name")))
            return true;
    return false;
}

/* Behind the title in subject and body. */
static const char *const stands[] = {[ALERT_MAIL_NEW] = "",
                                     [ALERT_MAIL_AGAIN] = "still going on",
                                     [ALERT_MAIL_AGAIN_ACKNOWLEDGED] = "acknowledged, and still going on",
                                     [ALERT_MAIL_OVER] = "over"};

bool alert_mail_subject(struct buffer *to, const struct alert_mail *mail) {
    const struct alert *alert = mail->alert;
    CLEANUP_BUFFER struct buffer line = BUFFER(4096);
    bool over = mail->kind == ALERT_MAIL_OVER;
    buffer_printf(&line, "%s[%s] ",
                  over                               ? "over: "
                  : alert->priority == PRIORITY_PAGE ? "! "
                                                     : "",
                  severity_text(alert->severity));
    write_clean(&line, alert->host.size ? alert->host : SLICE("no host"), 48);
    buffer_append_string(&line, ": ");
    write_clean(&line, alert->rule_title, 80);
    if (alert->count > 1)
        buffer_printf(&line, " (%llu×)", (unsigned long long)alert->count);
    if (has_entity(alert)) {
        buffer_append_string(&line, ", ");
        write_entity(&line, alert, 40);
    }
    if (mail->kind != ALERT_MAIL_NEW && !over)
        buffer_printf(&line, ", %s", stands[mail->kind]);
    if (alert->outage.start_us && alert->outage.duration_s) {
        buffer_append_string(&line, over ? ", after " : ", for ");
        alert_write_duration(&line, alert->outage.duration_s);
    }
    write_clean(to, buffer_slice(&line), SUBJECT_MOST - 3); /* the mark takes three bytes */
    return !to->overflow;
}

static void write_when(struct buffer *to, const struct alert *alert) {
    if (alert->count > 1 && alert->last_us > alert->first_us) {
        buffer_printf(to, "%llu times, from ", (unsigned long long)alert->count);
        write_time(to, alert->first_us);
        buffer_append_string(to, " to ");
        write_time(to, alert->last_us);
    } else {
        buffer_printf(to, "%llu time%s, ", (unsigned long long)alert->count, alert->count == 1 ? "" : "s");
        write_time(to, alert->time_us);
    }
    buffer_append_string(to, "\n");
}

static void write_outage(struct buffer *to, const struct alert_outage *outage) {
    if (outage->start_us == 0)
        return;
    buffer_append_string(to, outage->end_us ? "Out from " : "Out since ");
    write_time(to, outage->start_us);
    if (outage->end_us) {
        buffer_append_string(to, " to ");
        write_time(to, outage->end_us);
    }
    buffer_append_string(to, ", for ");
    alert_write_duration(to, outage->duration_s);
    buffer_printf(to, ": %llu %% of the time for recovery\n", (unsigned long long)outage->used_percent);
}

static void write_lines(struct buffer *to, const struct alert_mail *mail) {
    size_t from = mail->line_count > ALERT_MAIL_LINES_MOST ? mail->line_count - ALERT_MAIL_LINES_MOST : 0;
    if (mail->line_count == 0)
        return;
    buffer_append_string(to, "\nLines");
    if (mail->alert->count > mail->line_count - from)
        buffer_printf(to, " (the last %zu)", mail->line_count - from);
    buffer_append_string(to, ":\n");
    for (size_t i = from; i < mail->line_count; i++) {
        buffer_append_string(to, "  ");
        write_clean(to, mail->lines[i], ALERT_MAIL_LINE_MOST);
        buffer_append_string(to, "\n");
    }
}

/* The rule's own text may have several lines. */
static void write_paragraph(struct buffer *to, struct slice text) {
    while (text.size) {
        size_t end = slice_find_byte(text, '\n');
        struct slice line = end == SIZE_MAX ? text : slice_head(text, end);
        write_clean(to, line, 8192);
        buffer_append_string(to, "\n");
        text = end == SIZE_MAX ? (struct slice){NULL, 0} : slice_from(text, end + 1);
    }
}

/* "a page" and its like, as a person says it. */
static const char *how_soon(enum priority priority) {
    switch (priority) {
    case PRIORITY_PAGE:
        return "look now";
    case PRIORITY_TODAY:
        return "look today";
    case PRIORITY_REVIEW:
    case PRIORITY_UNSET:
        break;
    }
    return "look at the weekly review";
}

bool alert_mail_body(struct buffer *to, const struct alert_mail *mail) {
    const struct alert *alert = mail->alert;
    bool over = mail->kind == ALERT_MAIL_OVER;
    buffer_printf(to, "%s, %s: %s\n", severity_text(alert->severity), severity_name(alert->severity),
                  over ? "it is over" : how_soon(alert->priority));
    buffer_append_string(to, "Host ");
    write_clean(to, alert->host.size ? alert->host : SLICE("unknown"), 200);
    buffer_append_string(to, "\n\n");
    write_clean(to, alert->rule_title, 512);
    if (mail->kind != ALERT_MAIL_NEW)
        buffer_printf(to, " (%s)", stands[mail->kind]);
    buffer_append_string(to, "\n");
    for (size_t i = 0; i < alert->entity_count; i++) {
        write_clean(to, alert->entity[i].name, 100);
        buffer_append_string(to, " ");
        write_clean(to, alert->entity[i].value, ALERT_MAIL_LINE_MOST);
        buffer_append_string(to, "\n");
    }
    write_when(to, alert);
    write_outage(to, &alert->outage);
    if (over && !alert->outage.start_us) {
        buffer_append_string(to, "Over since ");
        write_time(to, mail->over_us);
        buffer_append_string(to, "\n");
    }
    write_lines(to, mail);
    if (alert->what_to_do.size && !over) {
        buffer_append_string(to, "\nWhat to do:\n");
        write_paragraph(to, alert->what_to_do);
    }
    buffer_append_string(to, "\nWhy this class: ");
    write_clean(to, alert->why, CLASSIFY_WHY_SIZE);
    if (!over)
        buffer_append_string(to, "\nTo acknowledge: ");
    if (mail->acknowledge && !over)
        buffer_append_string(to, mail->acknowledge);
    else if (!over)
        buffer_printf(to, "tocsin alert ack %.*s --reason TEXT", SLICE_ARG(alert->id));
    buffer_append_string(to, "\nAlert ");
    write_clean(to, alert->id, ALERT_ID_SIZE);
    buffer_append_string(to, ", rule ");
    write_clean(to, alert->rule_id, 200);
    if (mail->site)
        buffer_printf(to, ", site %s", mail->site);
    buffer_append_string(to, "\n");
    return !to->overflow;
}
