/* The witness as a whole: what its parts share. Private to this folder.
 *
 *     main.c              the command line
 *     witness_daemon.c    settings and keys, starts the parts, stops them
 */
#ifndef TOCSIN_WITNESS_DAEMON_H
#define TOCSIN_WITNESS_DAEMON_H

#include "files.h"
#include "loop.h"
#include "metrics_server.h"
#include "witness_pages.h"
#include "witness_settings.h"

struct witness_daemon {
    const char *site;
    struct witness_settings settings;
    char data[FILES_PATH_MOST];
    int lock;
    struct note_key *logs;
    size_t log_count;
    struct signing_key *signing;
    struct note_key key;
    struct keeper *keeper;
    struct witness_pages *pages;
    struct http_server *server;
    struct loop *loop;
    struct metrics_server *metrics;
    struct loop_timer *watchdog;
    struct loop_signal *signals[3];
};

/* `data` is the option's, or NULL: then the setting's, below the site. */
bool witness_daemon_read(struct witness_daemon *daemon, const char *data, struct fault *fault);
/* Opens the key, or makes it at the first time. */
bool witness_daemon_open_key(struct witness_daemon *daemon, struct fault *fault);
bool witness_daemon_start(struct witness_daemon *daemon, struct fault *fault);
/* Also of one that did not start. */
void witness_daemon_finish(struct witness_daemon *daemon);

#endif
