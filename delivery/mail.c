/* Mail: a plain text message (RFC 5322, RFC 2045, RFC 2047) to all recipients. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "calendar.h"
#include "delivery_kinds.h"
#include "encoding.h"
#include "mail_client.h"
#include "memory.h"

struct mail {
    const struct collector_settings *settings;
    struct mail_client *client;
    char server[300];
};

static void *create(const struct collector_settings *settings, size_t number, char *ret_name, size_t name_size,
                    struct fault *fault) {
    static const enum mail_encryption encryptions[] = {[STARTTLS_AUTOMATIC] = MAIL_STARTTLS_IF_OFFERED,
                                                       [STARTTLS_REQUIRED] = MAIL_STARTTLS,
                                                       [STARTTLS_NEVER] = MAIL_PLAIN};
    (void)number;
    struct mail *mail = memory_new(sizeof *mail);
    mail->settings = settings;
    snprintf(mail->server, sizeof mail->server, "smtp://%s:%u", settings->mail.server.host, settings->mail.server.port);
    struct mail_client_settings client = {.server = mail->server,
                                          .encryption = encryptions[settings->mail.starttls],
                                          .user = settings->mail.user,
                                          .password_path = settings->mail.password_file,
                                          .authorities_path = settings->mail.ca};
    mail->client = mail_client_create(&client, fault);
    snprintf(ret_name, name_size, "mail");
    if (mail->client)
        return mail;
    free(mail);
    return NULL;
}

static void destroy(void *state) {
    struct mail *mail = state;
    mail_client_destroy(mail->client);
    free(mail);
}

static bool plain_ascii(struct slice text) {
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            return false;
    return true;
}

/* An encoded word holds at most 45 bytes (75 characters) and never splits a character. */
static void write_subject(struct buffer *to, struct slice subject) {
    buffer_append_string(to, "Subject: ");
    if (plain_ascii(subject) && slice_find(subject, SLICE("=?")) == SIZE_MAX) {
        buffer_append_slice(to, subject);
        buffer_append_string(to, "\r\n");
        return;
    }
    while (subject.size) {
        size_t size = subject.size > 42 ? 42 : subject.size;
        while (size > 1 && size < subject.size && (subject.data[size] & 0xc0) == 0x80)
            size--;
        buffer_append_string(to, "=?UTF-8?B?");
        encoding_base64(to, slice_head(subject, size));
        subject = slice_from(subject, size);
        buffer_append_string(to, subject.size ? "?=\r\n " : "?=\r\n");
    }
}

static void write_date(struct buffer *to, uint64_t time_us) {
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct calendar_time t = calendar_split(time_us);
    buffer_printf(to, "Date: %s, %02u %s %04d %02u:%02u:%02u +0000\r\n", days[time_us / 86400000000u % 7], t.day,
                  months[t.month - 1], t.year, t.hour, t.minute, t.second);
}

static void write_text(struct buffer *to, struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n')
            buffer_append(to, "\r", 1);
        buffer_append(to, &text.data[i], 1);
    }
    buffer_append_string(to, "\r\n");
}

static bool send_mail(void *state, const struct notice *notice, bool *ret_permanent, struct fault *fault) {
    struct mail *mail = state;
    const struct collector_settings *settings = mail->settings;
    CLEANUP_BUFFER struct buffer message = BUFFER(MAIL_MESSAGE_MOST);
    write_date(&message, notice->time_us);
    buffer_printf(&message, "From: Tocsin <%s>\r\nTo: ", settings->mail.from);
    for (size_t i = 0; i < settings->mail.to.count; i++)
        buffer_printf(&message, "%s%s", i ? ",\r\n " : "", settings->mail.to.items[i]);
    buffer_append_string(&message, "\r\n");
    write_subject(&message, notice->subject);
    /* The same for one that is sent twice, another for the reminder: mailboxes drop what they have seen. */
    buffer_printf(&message, "Message-ID: <%.*s.%" PRIu64 "@tocsin.invalid>\r\n", SLICE_ARG(notice->id),
                  notice->time_us);
    buffer_printf(&message,
                  "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n%s\r\n",
                  notice->urgent ? "X-Priority: 1\r\nImportance: high\r\n" : "");
    write_text(&message, notice->text);
    if (message.overflow) {
        *ret_permanent = true;
        return fault_set(fault, FAULT_LIMIT, "a mail of more than %u bytes", MAIL_MESSAGE_MOST);
    }
    return mail_client_send(mail->client, settings->mail.from, (const char *const *)settings->mail.to.items,
                            settings->mail.to.count, buffer_slice(&message), ret_permanent, fault);
}

const struct delivery_kind delivery_mail = {create, send_mail, destroy};
