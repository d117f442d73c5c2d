/* Any bytes as an alert's JSON, as saved open alerts and as a saved board of probes: read or refused; what was read is written,
 * read again, and made into mails of every kind. */
#include <stdlib.h>

#include "alert_mail.h"
#include "dedup.h"
#include "probe_board.h"

static void write_out(const struct alert *alert) {
    CLEANUP_BUFFER struct buffer json = BUFFER(4 * ALERT_TEXT_MOST), mail_text = BUFFER(1 << 20);
    struct fault fault;
    for (unsigned kind = ALERT_MAIL_NEW; kind <= ALERT_MAIL_OVER; kind++) {
        struct alert_mail mail = {.alert = alert, .lines = &alert->why, .line_count = 1, .kind = (enum alert_mail_kind)kind};
        buffer_clear(&mail_text);
        if (!alert_mail_subject(&mail_text, &mail) || mail_text.size > 160 || !alert_mail_body(&mail_text, &mail))
            abort();
    }
    if (!alert_write(&json, alert, false))
        abort();
    if (json.size <= ALERT_TEXT_MOST) {
        struct alert_document *again = alert_read(buffer_slice(&json), &fault);
        if (!again || alert_document_alert(again)->count != alert->count)
            abort();
        alert_document_destroy(again);
    }
}

static void load_board(struct slice bytes) {
    struct fault fault;
    struct probe_board *board = probe_board_create();
    CLEANUP_BUFFER struct buffer saved = BUFFER(PROBE_BOARD_STATE_MOST), json = BUFFER(4 * PROBE_BOARD_STATE_MOST);
    if (probe_board_load(board, bytes, &fault)) {
        probe_board_describe(board, 0, &json);
        if (!probe_board_save(board, 0, &saved) || saved.size != bytes.size)
            abort();
    }
    probe_board_destroy(board);
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
    load_board(slice_make(data, size));
    return 0;
}
