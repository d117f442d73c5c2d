/* Handing a message to a mail server by SMTP (RFC 5321), blocking: for a delivery thread. One client is one
 * thread's.
 *
 * The connection is kept; one that the server has closed meanwhile is opened again without a fault. The
 * message is the caller's, headers and all, with CRLF or LF ends; dots are stuffed here. */
#ifndef TOCSIN_MAIL_CLIENT_H
#define TOCSIN_MAIL_CLIENT_H

#include "fault.h"
#include "slice.h"

enum mail_encryption {
    MAIL_STARTTLS_IF_OFFERED, /* the server's certificate is not verified then: better than nothing, no more
                               */
    MAIL_STARTTLS,            /* needed and verified */
    MAIL_PLAIN,               /* never: for a server on this very host */
};

struct mail_client_settings {
    const char *server;              /* smtp://host[:port], or smtps://host[:port] */
    enum mail_encryption encryption; /* of smtp:// */
    const char *user; /* NULL: no authentication. Never sent over an unencrypted connection but to loopback */
    const char *password_path;    /* its first line; read again for each new connection attempt */
    const char *authorities_path; /* PEM file of authorities; NULL: the system's */
    const char *hello_name;       /* of this host; NULL: the system's name */
    uint64_t connect_timeout_us;  /* 0 means MAIL_CONNECT_TIMEOUT_US */
    uint64_t timeout_us;          /* of the whole hand-over; 0 means MAIL_TIMEOUT_US */
};
#define MAIL_CONNECT_TIMEOUT_US 5000000u
#define MAIL_TIMEOUT_US 30000000u
#define MAIL_RECIPIENTS_MOST 100u
#define MAIL_MESSAGE_MOST (1024u * 1024)

struct mail_client;

struct mail_client *mail_client_create(const struct mail_client_settings *settings, struct fault *fault);
struct mail_client *mail_client_destroy(struct mail_client *client); /* NULL */

/* One message to all of `to`, plain addresses without brackets; if the server refuses one of them, nothing is
 * sent. ret_permanent is written on failure alone: true when trying again cannot help (a 5xx but for
 * authentication, an address that is none). */
bool mail_client_send(struct mail_client *client, const char *from, const char *const *to, size_t to_count,
                      struct slice message, bool *ret_permanent, struct fault *fault);

#endif
