/* A TLS server, of any protocol on top: what it shows in its handshake is judged, against the anchors, the name, the time
 * and a list of weak keys. Beside it, where the settings say so, a second handshake that offers TLS 1.0 and 1.1 alone, which
 * has to be refused. */
#include <stdlib.h>

#include "certificate_file.h"
#include "clock.h"
#include "memory.h"
#include "probe_kinds.h"
#include "tls_judge.h"
#include "tls_look.h"
#include "weak_keys_file.h"

#define AUTHORITIES_PATH "/etc/ssl/certs/ca-certificates.crt" /* Debian's ca-certificates */
#define AUTHORITIES_MOST 4096u

struct prepared {
    struct buffer authority_bytes;
    struct certificate *authorities;
    size_t authority_count;
    struct weak_keys *weak_keys;
};

/* The two handshakes of a look. */
enum { TODAYS, OLD, HANDSHAKES };
struct asking {
    struct probe_look *look;
    unsigned open;
    struct one {
        struct asking *asking;
        struct probe_part *part;
        struct tls_look *look;
    } ones[HANDSHAKES];
};

/* --- files */

static void release(void *context) {
    struct prepared *prepared = context;
    buffer_free(&prepared->authority_bytes);
    free(prepared->authorities);
    weak_keys_destroy(prepared->weak_keys);
    free(prepared);
}

static bool read_authorities(struct prepared *prepared, const char *path, struct fault *fault) {
    prepared->authorities = memory_new_array(AUTHORITIES_MOST, sizeof *prepared->authorities);
    if (!certificate_file_read(path ? path : AUTHORITIES_PATH, &prepared->authority_bytes,
                               prepared->authorities, AUTHORITIES_MOST, &prepared->authority_count, fault))
        return path ? false
                    : fault_place(fault, "the system's authorities (name others with \"authorities\")");
    prepared->authorities =
        memory_resize(prepared->authorities, prepared->authority_count, sizeof *prepared->authorities);
    return true;
}

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    struct prepared *prepared = memory_new(sizeof *prepared);
    if (read_authorities(prepared, settings->authorities, fault) &&
        (!settings->weak_keys || (prepared->weak_keys = weak_keys_file_read(settings->weak_keys, fault)))) {
        *ret_prepared = prepared;
        return true;
    }
    release(prepared);
    return false;
}

/* --- asking */

static const char *server_name(const struct probe_look *look) {
    return look->settings->server_name ? look->settings->server_name : look->target->host;
}

static void over(struct one *one) {
    struct asking *asking = one->asking;
    struct probe_look *look = asking->look;
    one->look = NULL;
    probe_part_over(one->part, look->settings);
    if (--asking->open)
        return;
    free(asking);
    probe_look_done(look);
}

static void tell_steps(struct probe_part *part, const struct tls_look_result *result, bool failed) {
    part->phases_us[PHASE_CONNECT] = result->connect_us;
    part->phases_us[PHASE_FIRST] = result->greeting_us; /* STARTTLS comes before TLS */
    part->phases_us[PHASE_TLS] = result->tls_us;
    if (!failed)
        liveness_check(&part->report, CHECK_REACH_CONNECT, true, "accepted");
    else
        probe_part_reached(part, true, result->step == TLS_LOOK_CONNECT ? PHASE_CONNECT : PHASE_TLS,
                           result->late, result->reason);
}

/* What was shown before a handshake failed is judged, too. One that wants a certificate of ours has shown its own, and is
 * well: with TLS 1.3 nobody could tell it from others. */
static void todays_done(void *context, const struct tls_look_result *result) {
    struct one *one = context;
    const struct probe_look *look = one->asking->look;
    const struct prepared *prepared = look->prepared;
    const struct tls_question question = {.name = slice_string(server_name(look)),
                                          .alpn = slice_string(look->settings->alpn),
                                          .anchors = prepared->authorities,
                                          .anchor_count = prepared->authority_count,
                                          .weak_keys = prepared->weak_keys,
                                          .now_us = clock_wall_us()};
    const struct tls_shown shown = {.certificates = result->certificates,
                                    .count = result->count,
                                    .version = result->version,
                                    .cipher = result->cipher,
                                    .alpn = result->alpn,
                                    .staple = result->staple};
    bool failed = result->step != TLS_LOOK_GOOD && !(result->wanted && result->count);
    if (!failed || result->count)
        tls_judge(&question, look->policy, &shown, &one->part->report);
    tell_steps(one->part, result, failed);
    if (!failed)
        liveness_check(&one->part->report, CHECK_REACH_TLS, true, "%s",
                       result->wanted ? "as far as it goes without a certificate of ours" : "established");
    over(one);
}

/* Whoever ends the handshake, in whatever way, has refused; silence is no answer. */
static void old_done(void *context, const struct tls_look_result *result) {
    struct one *one = context;
    bool refused = result->step == TLS_LOOK_HANDSHAKE && !result->late;
    tell_steps(one->part, result, result->step != TLS_LOOK_GOOD && !refused);
    if (result->step == TLS_LOOK_GOOD || refused)
        tls_judge_old_protocols(refused ? 0 : result->version, &one->part->report);
    over(one);
}

static void begin(struct probe_look *look) {
    const struct probe_settings *settings = look->settings;
    struct asking *asking = memory_new(sizeof *asking);
    struct tls_look_settings wanted = {.address = look->address,
                                       .port = look->target->port,
                                       .name = server_name(look),
                                       .alpn = settings->alpn,
                                       .start_with = settings->starttls ? TLS_LOOK_SMTP : TLS_LOOK_AT_ONCE,
                                       .timeout_us = settings->timeout_us};
    static tls_look_done *const done[HANDSHAKES] = {todays_done, old_done};
    look->own = asking;
    asking->look = look;
    asking->open = 1; /* until all are begun */
    for (unsigned i = 0; i < (settings->old_protocols ? HANDSHAKES : 1u); i++) {
        struct one *one = &asking->ones[i];
        struct fault fault = {0};
        one->asking = asking;
        one->part = probe_look_part(look, "%s", i == OLD ? "TLS 1.0 and 1.1" : "");
        wanted.old_alone = i == OLD;
        asking->open++;
        one->look = tls_look_start(look->loop, &wanted, done[i], one, &fault);
        if (!one->look) {
            probe_part_reached(one->part, true, PHASE_CONNECT, false, fault.text);
            over(one);
        }
    }
    if (--asking->open)
        return;
    free(asking);
    probe_look_done(look);
}

static void cancel(struct probe_look *look) {
    struct asking *asking = look->own;
    for (unsigned i = 0; i < HANDSHAKES; i++)
        tls_look_cancel(asking->ones[i].look);
    free(asking);
}

const struct probe_kind probe_kind_tls = {
    .kind = LIVENESS_TLS,
    .about = "a TLS server shows a chain that is complete, its own, trusted, and valid for long enough",
    .target = "www.example.org:443",
    .addressed = true,
    .port = 443,
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};
