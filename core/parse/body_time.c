#include "body_time.h"

#include "line_time.h"
#include "syslog_header.h"

#define ZONE_MOST 8u /* bytes that may go on a stamp */

/* As reading_line takes forms: JSON by its brace, a syslog header, logfmt by its signs. */
static bool line_time(struct slice raw, uint64_t read_us, int zone_minutes, uint64_t *ret_time_us) {
    size_t size;
    struct syslog_header header;
    *ret_time_us = 0;
    if (raw.size == 0)
        return true;
    if (raw.data[0] == '{')
        return false;
    if (raw.data[0] == '<') {
        bool syslog = syslog_header_parse(raw, read_us, zone_minutes, &header);
        *ret_time_us = syslog ? header.time_us : 0;
        return syslog || slice_find_byte(raw, '=') == SIZE_MAX;
    }
    if (line_time_bsd(raw, read_us, zone_minutes, &size, ret_time_us)) {
        if (size == raw.size || raw.data[size] == ' ')
            return true;
        *ret_time_us = 0;
    } else if (line_time_prefix(raw, zone_minutes, &size, ret_time_us))
        return true;
    *ret_time_us = 0;
    return slice_find_byte(raw, '=') == SIZE_MAX;
}

static bool is_later_fragment(const struct event_body *body) {
    struct slice index = event_body_field(body, SLICE("fragment.index"));
    return index.size && !slice_equal(index, SLICE("0"));
}

bool body_time(const struct event_body *body, uint64_t read_us, int zone_minutes, uint64_t *ret_time_us,
               bool *ret_zoneless) {
    uint64_t time_us = 0;
    *ret_zoneless = false;
    if (body->kind == EVENT_LINE && (body->field_count == 0 || !is_later_fragment(body))) {
        if (!line_time(body->raw, read_us, zone_minutes, &time_us))
            return false;
        *ret_zoneless = time_us != 0; /* or it says so, which does not matter */
    }
    if (time_us == 0)
        time_us = body->source_time_us;
    *ret_time_us = time_us ? time_us : read_us;
    return true;
}

bool body_time_head(struct slice head, uint64_t read_us, int zone_minutes, uint64_t *ret_time_us) {
    size_t size;
    uint64_t time_us;
    if (head.size == 0 || head.data[0] == '{' || head.data[0] == '<')
        return false;
    bool bsd = line_time_bsd(head, read_us, zone_minutes, &size, &time_us);
    if (!bsd && !line_time_prefix(head, zone_minutes, &size, &time_us))
        return false;
    /* What the head cuts off must not belong to the stamp. */
    if (time_us == 0 || size + ZONE_MOST > head.size || (bsd && head.data[size] != ' '))
        return false;
    *ret_time_us = time_us;
    return true;
}
