/* Any bytes as an alert's JSON and as saved open alerts: read or refused; what was read is written, read again, and made
 * into a mail. */
#include <stdlib.h>

#include "alert_mail.h"
#include "dedup.h"

static void write_out(const struct alert *alert) {
    CLEANUP_BUFFER struct buffer json = BUFFER(4 * ALERT_TEXT_MOST), mail_text = BUFFER(1 << 20);
    struct fault fault;
    struct alert_mail mail = {.alert = alert, .lines = &alert->why, .line_count = 1};
    if (!alert_mail_subject(&mail_text, &mail) || mail_text.size > 160 ||
        !alert_mail_body(&mail_text, &mail) || !alert_write(&json, alert, false))
        abort();
    if (json.size <= ALERT_TEXT_MOST) {
        struct alert_document *again = alert_read(buffer_slice(&json), &fault);
        if (!again || alert_document_alert(again)->count != alert->count)
            abort();
        alert_document_destroy(again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fault fault;
    struct alert_document *document = alert_read(slice_make(data, size), &fault);
    if (document)
        write_out(alert_document_alert(document));
    alert_document_destroy(document);
    struct dedup *dedup = dedup_create(NULL);
    dedup_load(dedup, slice_make(data, size), &fault);
    dedup_destroy(dedup);
    return 0;
}
