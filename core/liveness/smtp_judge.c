#include "smtp_judge.h"

static struct slice without_end(struct slice line) {
    while (line.size && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
        line.size--;
    return line;
}

/* Three digits, the first 2 to 5, the second 0 to 5; then '-' where more lines come, a blank or nothing in the last. */
static bool read_line(struct slice line, unsigned *ret_code, bool *ret_last) {
    uint64_t code;
    if (line.size < 3 || !slice_decimal(slice_head(line, 3), &code) || code < 200 || code > 559 ||
        code / 10 % 10 > 5 || (line.size > 3 && line.data[3] != ' ' && line.data[3] != '-'))
        return false;
    *ret_code = (unsigned)code;
    *ret_last = line.size == 3 || line.data[3] == ' ';
    return true;
}

enum smtp_read smtp_reply_read(struct slice bytes, struct smtp_reply *ret_reply, struct fault *fault) {
    struct slice rest = bytes;
    char plain[LIVENESS_PLAIN_SIZE];
    unsigned code = 0;
    for (unsigned count = 0; count < SMTP_LINES_MOST; count++) {
        size_t end = slice_find_byte(rest, '\n');
        if (end == SIZE_MAX ? rest.size >= SMTP_LINE_MOST : end + 1 > SMTP_LINE_MOST) {
            fault_set(fault, FAULT_LIMIT, "a line of more than %u bytes", SMTP_LINE_MOST);
            return SMTP_BROKEN;
        }
        if (end == SIZE_MAX)
            return SMTP_MORE;
        struct slice line = without_end(slice_head(rest, end + 1));
        unsigned this_code;
        bool last;
        if (!read_line(line, &this_code, &last) || (count && this_code != code)) {
            fault_set(fault, FAULT_FORMAT, "'%s' is no line of a reply%s", liveness_plain(line, plain),
                      count ? " that goes on" : "");
            return SMTP_BROKEN;
        }
        code = this_code;
        rest = slice_from(rest, end + 1);
        if (!last)
            continue;
        *ret_reply = (struct smtp_reply){code, slice_head(bytes, bytes.size - rest.size)};
        return SMTP_REPLY;
    }
    fault_set(fault, FAULT_LIMIT, "a reply of more than %u lines", SMTP_LINES_MOST);
    return SMTP_BROKEN;
}

bool smtp_reply_announces(const struct smtp_reply *reply, struct slice word) {
    struct slice rest = slice_from(reply->lines, slice_find_byte(reply->lines, '\n') + 1);
    while (rest.size) {
        size_t end = slice_find_byte(rest, '\n') + 1;
        struct slice line = slice_from(without_end(slice_head(rest, end)), 4);
        if (slice_equal_caseless(slice_head(line, slice_find_byte(line, ' ')), word))
            return true;
        rest = slice_from(rest, end);
    }
    return false;
}

void smtp_judge_broken(const struct fault *fault, struct liveness_report *report) {
    liveness_check(report, CHECK_SMTP_REPLY, false, "%s", fault->text);
}

bool smtp_judge(enum smtp_step step, const struct smtp_reply *reply, bool starttls,
                struct liveness_report *report) {
    static const struct {
        enum liveness_check check;
        unsigned code;
    } steps[SMTP_STEPS] = {[SMTP_BANNER] = {CHECK_SMTP_BANNER, 220},
                           [SMTP_EHLO] = {CHECK_SMTP_EHLO, 250},
                           [SMTP_QUIT] = {CHECK_SMTP_QUIT, 221}};
    char plain[LIVENESS_PLAIN_SIZE];
    struct slice first = without_end(slice_head(reply->lines, slice_find_byte(reply->lines, '\n') + 1));
    liveness_check(report, CHECK_SMTP_REPLY, true, "as they should be");
    if (!liveness_check(report, steps[step].check, reply->code == steps[step].code, "%s",
                        liveness_plain(first, plain)))
        return false;
    if (step != SMTP_EHLO)
        return true;
    bool announced = smtp_reply_announces(reply, SLICE("STARTTLS"));
    if (starttls)
        liveness_check(report, CHECK_SMTP_STARTTLS, announced, "%s",
                       announced ? "announced" : "not announced");
    else
        liveness_skip(report, CHECK_SMTP_STARTTLS, "%s, and not asked for",
                      announced ? "announced" : "not announced");
    return true;
}
