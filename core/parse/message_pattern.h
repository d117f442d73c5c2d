/* Patterns: how a decoder says what a message looks like.
 *
 *   Accepted {sshd.method} for {user.name:text} from {source:address} port {source.port:int} ssh2{?: {:rest}}
 *
 * Text outside braces stands for itself, blanks too; "{{" and "}}" are braces. A pattern covers the whole message (blanks
 * at its end don't count). A capture is {field:type}; without a field, {:type}, it is passed over and not kept.
 *   word      bytes up to the next blank, or up to the first byte of the text that follows in the pattern (also of an
 *             optional part that follows); at least one. {field} alone is a word
 *   int       decimal digits, with a minus or without
 *   number    the same with a fraction, with a sign or without
 *   ip        an IPv4 or IPv6 address
 *   host      letters, digits, ".", "-" and "_"
 *   address   an IP address or else a host: {source:address} gives source.ip or source.domain
 *   quoted    what stands between double quotes; a backslash keeps the byte behind it from ending it
 *   until     anything, also nothing, up to the first place where the text that follows in the pattern stands
 *   rest      anything, also nothing, up to the end; the last thing in a pattern
 *   text      anything, also nothing. Once in a pattern: what stands before it is matched from the message's start, what
 *             stands behind it from its end. So a user name that reads "x from 192.0.2.1 port 22" cannot pass for the
 *             address that follows it
 *   {? … }    may be missing. It is taken if it fits there, and that is not taken back later; the first "}" that closes
 *             no capture ends it
 * A match reads the message once in each direction: no backtracking, time linear in message and pattern. */
#ifndef TOCSIN_MESSAGE_PATTERN_H
#define TOCSIN_MESSAGE_PATTERN_H

#include "fault.h"
#include "record.h"

#define MESSAGE_PATTERN_TEXT_MOST 1024u   /* bytes */
#define MESSAGE_PATTERN_STEPS_MOST 64u    /* pieces of text, captures and optional parts */
#define MESSAGE_PATTERN_CAPTURES_MOST 24u /* captures that are kept */
#define MESSAGE_PATTERN_NEST_MOST 4u      /* optional parts in each other */
#define MESSAGE_PATTERN_FIELD_MOST 128u   /* bytes of a field's name */

struct message_pattern;

struct message_capture {
    uint32_t symbol;
    enum record_type type;
    struct slice value;
};

/* Adds field names to the table. NULL with a fault; *ret_offset is then where in the text, in bytes. */
struct message_pattern *message_pattern_compile(struct slice text, struct symbols *symbols,
                                                size_t *ret_offset, struct fault *fault);
struct message_pattern *message_pattern_destroy(struct message_pattern *pattern); /* returns NULL */

/* For whoever has many patterns, to leave out those that cannot fit: the text that every match starts with and the one it
 * ends with (before the blanks that don't count), empty where there is none; and whether a match may start with that
 * byte. Borrowed. */
struct slice message_pattern_head(const struct message_pattern *pattern);
struct slice message_pattern_tail(const struct message_pattern *pattern);
bool message_pattern_may_start(const struct message_pattern *pattern, uint8_t byte);

/* Room for MESSAGE_PATTERN_CAPTURES_MOST captures; they borrow from the message. False leaves *ret_count alone. */
bool message_pattern_match(const struct message_pattern *pattern, struct slice message,
                           struct message_capture *captures, size_t *ret_count);

#endif
