/* The agent as a whole: what its parts share. Private to this folder.
 *
 *     main.c        the command line
 *     agent.c       starts the parts, wires them, stops them; settings again on SIGHUP; what happens by itself
 *     turn.c        read, write and sync as one group, send
 *     entering.c    joining a site, and what was learnt by it
 *     anew.c        joining again, and what becomes of the spool
 *     collectors.c, sources.c, key_rotation.c
 */
#ifndef TOCSIN_AGENT_H
#define TOCSIN_AGENT_H

#include "agent_settings.h"
#include "collectors.h"
#include "files.h"
#include "key_rotation.h"
#include "lanes.h"
#include "loop.h"
#include "membership.h"
#include "metrics_server.h"
#include "sources.h"

struct agent {
    const char *site;
    struct agent_settings settings;
    char data[FILES_PATH_MOST];
    int lock;
    uint8_t boot_id[BOOT_ID_SIZE];
    struct membership membership;
    struct verify_key first_key; /* the membership's */
    struct key_rotation *rotation;
    struct tls_identity *identity;
    struct loop *loop;
    struct lanes *lanes;
    struct sources *sources;
    struct collectors collectors;
    struct metrics_server *metrics;
    struct loop_later *turn;
    struct loop_timer *due, *watchdog, *identity_look, *collectors_look;
    struct loop_signal *signals[3];
    uint64_t parted_us;
    uint64_t booted_us; /* by the wall clock as it was at the start */
    bool full;          /* the last flush was refused */
};

/* ---- agent.c */

bool agent_read_settings(const char *site, struct agent_settings *settings, struct fault *fault);
/* `data` is the option's, or NULL: then the setting's, below the site. */
bool agent_set_data(struct agent *agent, const char *data, struct fault *fault);
bool agent_start(struct agent *agent, struct fault *fault);
/* Opens the spool, for all collectors of the membership. */
bool agent_open_lanes(struct agent *agent, struct fault *fault);
/* Also of one that did not start. */
void agent_finish(struct agent *agent);
/* An event of the agent's own. */
void agent_tell(struct agent *agent, const char *event, const char *text);

/* ---- turn.c; times in microseconds */

struct stream_clock agent_now(const struct agent *agent);
/* What sources count their waits by: the wall clock of the start, gone on without a step. */
uint64_t agent_source_clock_us(const struct agent *agent);
/* Writes what is gathered. False: not now (told once); it stays gathered. */
bool agent_flush(struct agent *agent);
void agent_turn(void *context);
void agent_schedule_turn(void *context);
/* Bytes that sources have not read yet. */
uint64_t agent_lag(void *context);

/* ---- entering.c */

bool agent_open_identity(struct agent *agent, const char *name, struct fault *fault);
/* What there is to be done when somebody joins. */
enum entering {
    ENTERING_FIRST, /* no collector is known */
    ENTERING_ANOTHER, /* one more: the streams go on, under the key that there is */
    ENTERING_AGAIN, /* one that is known, or it is asked for: new streams under new keys */
};
bool agent_entering(struct agent *agent, const char *address, const char *token_text, bool anew,
                    enum entering *ret_entering, struct fault *fault);
/* `address` as agent_settings_address gives it. What is left to be said to a person goes to `advice`. */
bool agent_join(struct agent *agent, const char *address, const char *token_text, const char *name, bool anew,
                struct buffer *advice, struct fault *fault);
/* What is known of the collectors and the keys; joins first where `tocsin init` left that to be done. */
bool agent_ensure_membership(struct agent *agent, struct fault *fault);
/* Holds the membership against the settings: those that the settings do not name any more are left. ret_addresses: what the
 * settings have for those that stay, borrowed from `kept`. `tell`: as events, too. */
struct kept_addresses {
    char text[MEMBERSHIP_COLLECTORS_MOST][AGENT_ADDRESS_SIZE];
};
bool agent_match_settings(struct agent *agent, const struct agent_settings *settings, struct kept_addresses *kept,
                          const char *ret_addresses[MEMBERSHIP_COLLECTORS_MOST], struct fault *fault);
void agent_tell_rotation(void *context, const char *event, const char *text);

#endif
