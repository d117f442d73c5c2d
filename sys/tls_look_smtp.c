#include <stdio.h>

#include "tls_look_private.h"

void tls_look_quote(struct slice bytes, char ret_text[TLS_LOOK_QUOTE_SIZE]) {
    size_t size = 0;
    while (size < bytes.size && size < TLS_LOOK_QUOTE_SIZE - 1 && bytes.data[size] != '\r' &&
           bytes.data[size] != '\n') {
        uint8_t byte = bytes.data[size];
        ret_text[size++] = byte >= ' ' && byte <= '~' ? (char)byte : '?';
    }
    ret_text[size] = '\0';
}

void tls_look_smtp_begin(struct tls_look_smtp *smtp) {
    *smtp = (struct tls_look_smtp){.reply = BUFFER(TLS_LOOK_SMTP_MOST)};
}

/* The last line of a reply has a blank behind its code (RFC 5321 4.2.1). False: it is not there yet. */
static bool tls_look_smtp_last(struct slice reply, struct slice *ret_line, bool *ret_starttls) {
    uint64_t code;
    *ret_starttls = false;
    for (;;) {
        size_t end = slice_find_byte(reply, '\n');
        if (end == SIZE_MAX)
            return false;
        struct slice line = slice_head(reply, end);
        if (line.size && line.data[line.size - 1] == '\r')
            line.size--;
        *ret_starttls |= slice_equal_caseless(slice_from(line, 4), SLICE("STARTTLS"));
        reply = slice_from(reply, end + 1);
        bool goes_on = line.size >= 4 && line.data[3] == '-' && slice_decimal(slice_head(line, 3), &code);
        if (!goes_on) {
            *ret_line = line;
            return true;
        }
    }
}

enum tls_look_state tls_look_smtp_take(struct tls_look_smtp *smtp, struct slice input, struct buffer *output,
                                       struct fault *fault) {
    static const struct {
        const char *due, *next;
    } steps[] = {{"220", "EHLO tocsin.invalid\r\n"}, {"250", "STARTTLS\r\n"}, {"220", NULL}};
    struct slice last;
    bool starttls;
    char quote[TLS_LOOK_QUOTE_SIZE];
    if (!buffer_append_slice(&smtp->reply, input)) {
        fault_set(fault, FAULT_LIMIT, "a reply of more than %u bytes, and no end of it", TLS_LOOK_SMTP_MOST);
        return TLS_LOOK_FAILED;
    }
    if (!tls_look_smtp_last(buffer_slice(&smtp->reply), &last, &starttls))
        return TLS_LOOK_WAITS;
    tls_look_quote(last, quote);
    if (!slice_starts(last, slice_string(steps[smtp->said].due))) {
        fault_set(fault, FAULT_FORMAT, "it says \"%s\" where %s is due", quote, steps[smtp->said].due);
        return TLS_LOOK_FAILED;
    }
    if (smtp->said == 1 && !starttls) {
        fault_set(fault, FAULT_MISSING, "the mail server does not offer STARTTLS");
        return TLS_LOOK_FAILED;
    }
    /* What stands behind the last reply was sent by nobody who can be known (CVE-2011-0411). */
    size_t used = (size_t)(last.data - smtp->reply.data) + last.size;
    if (smtp->said == 2 && slice_trim(slice_from(buffer_slice(&smtp->reply), used)).size > 2) {
        fault_set(fault, FAULT_FORMAT, "there is text behind the reply to STARTTLS, before TLS began");
        return TLS_LOOK_FAILED;
    }
    buffer_clear(&smtp->reply);
    if (!steps[smtp->said].next)
        return TLS_LOOK_DONE;
    buffer_append_string(output, steps[smtp->said++].next);
    return TLS_LOOK_WAITS;
}
