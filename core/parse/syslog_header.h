/* The header of a syslog line, as files and relays have it.
 *
 *   <PRI>? Nov 21 18:44:24 host program[123]: text              RFC 3164, 4.1
 *   <PRI>? 2026-11-21T18:44:24.123456+01:00 host program[123]: text   the same with RFC 3339's time (rsyslog, Debian 12)
 *   <PRI>1 2026-11-21T18:44:24Z host program 123 ID [x y="z"] text    RFC 5424, 6
 * The host may be missing before a program; a program may be missing; the kernel's "[ 12.345678] " is taken off.
 * Everything borrows from the line. What is missing is an empty slice. */
#ifndef TOCSIN_SYSLOG_HEADER_H
#define TOCSIN_SYSLOG_HEADER_H

#include "slice.h"

struct syslog_header {
    uint64_t time_us; /* 0 where the line tells none */
    int priority;     /* -1 where there is none; otherwise 0 to 191 */
    unsigned version; /* 1 for RFC 5424, otherwise 0 */
    struct slice host, program, process, message_id;
    struct slice data;   /* RFC 5424's structured data, well-formed */
    struct slice uptime; /* of a kernel's line, "12.345678" */
    struct slice message;
};

/* False for a line with neither a <PRI> and a time nor a time of its own at its start: then it is no syslog line. A line
 * with an RFC 3339 time but no program behind it is a plain one: host and program are empty, the message is what
 * follows the time. */
bool syslog_header_parse(struct slice line, uint64_t reference_us, int zone_minutes,
                         struct syslog_header *ret_header);

/* The next parameter of structured data: the element's id, the parameter's name and its value, still escaped. *id and
 * *rest are kept between calls, *rest starts as header.data. False at the end. */
bool syslog_data_next(struct slice *rest, struct slice *id, struct slice *ret_name, struct slice *ret_value);

/* Takes the backslashes of \" \\ \] away. `to` has room for value.size; returns the length. */
size_t syslog_data_unescape(struct slice value, uint8_t *to);

#endif
