#include "key_rotation.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent_keys.h"
#include "log.h"
#include "memory.h"
#include "rotation.h"
#include "site.h"

#define LOOK_US 500000u /* while something has to be waited for that does not wake anybody */

enum phase {
    IDLE,
    WAITING,  /* there is a next key: until what was closed before is acknowledged everywhere */
    ASKED,    /* the collectors are told, and answer */
    TAKEN,    /* they have the key: the epoch may end */
    ENDED,    /* it has ended in memory: until that is on disk */
    SETTLING, /* on disk: the files follow */
    REFUSED,  /* until somebody asks again */
};

struct key_rotation {
    struct key_rotation_settings settings;
    struct agent_keys keys;
    struct lanes *lanes;
    const struct collectors *collectors;
    enum phase phase;
    uint64_t closed_before[LANES]; /* batches that must be acknowledged before the collector is told */
    unsigned taken;                /* bit n: the collector with that number has the key */
    bool told;                     /* of a failure; said once */
};

struct key_rotation *key_rotation_create(const struct key_rotation_settings *settings, struct fault *fault) {
    struct key_rotation *rotation = memory_new(sizeof *rotation);
    rotation->settings = *settings;
    if (agent_keys_open(&rotation->keys, settings->data, settings->membership, fault))
        return rotation;
    return key_rotation_destroy(rotation);
}

struct key_rotation *key_rotation_destroy(struct key_rotation *rotation) {
    if (rotation)
        agent_keys_close(&rotation->keys);
    free(rotation);
    return NULL;
}

const struct signing_key *key_rotation_key(const struct key_rotation *rotation) {
    return rotation->keys.key;
}
const struct signing_key *key_rotation_next(const struct key_rotation *rotation) {
    return rotation->keys.next;
}

static void tell(const struct key_rotation *rotation, enum log_level level, const char *event,
                 const char *text) {
    log_write(level, "%s", text);
    rotation->settings.tell(rotation->settings.context, event, text);
}

/* ---- one step after the other */

static bool settle(struct key_rotation *rotation, struct fault *fault) {
    char text[128];
    if (!agent_keys_advance(&rotation->keys, rotation->settings.data, rotation->settings.membership, fault))
        return false;
    rotation->phase = IDLE;
    rotation->told = false;
    snprintf(text, sizeof text, "the signing key was rotated: epoch %" PRIu32 " has begun",
             rotation->settings.membership->epoch);
    tell(rotation, LOG_LEVEL_NOTICE, "key_rotated", text);
    key_rotation_look(rotation); /* somebody may have asked for the one after it */
    return true;
}

static void complain(struct key_rotation *rotation, const struct fault *fault, const char *what) {
    if (!rotation->told)
        log_fault(LOG_LEVEL_ERROR, fault, "%s; it is tried again", what);
    rotation->told = true;
}

void key_rotation_start(struct key_rotation *rotation, struct lanes *lanes,
                        const struct collectors *collectors) {
    rotation->lanes = lanes;
    rotation->collectors = collectors;
    if (lanes_epoch_number(lanes) == rotation->settings.membership->epoch) {
        key_rotation_look(rotation);
        return;
    }
    rotation->phase = SETTLING;
    key_rotation_flushed(rotation);
}

void key_rotation_look(struct key_rotation *rotation) {
    struct fault fault = {0};
    struct lanes_report report;
    if (rotation->phase != IDLE && rotation->phase != REFUSED)
        return;
    if (!agent_keys_look(&rotation->keys, rotation->settings.data, &fault)) {
        log_fault(LOG_LEVEL_ERROR, &fault,
                  "the next signing key cannot be read; the present one stays in force");
        return;
    }
    if (!rotation->keys.next)
        return;
    /* The epoch before must be known to be over: only one that follows the collector's is taken. */
    lanes_report(rotation->lanes, &report);
    memcpy(rotation->closed_before, report.batch_seq, sizeof rotation->closed_before);
    rotation->phase = WAITING;
    log_notice(
        "there is a next signing key: it is announced as soon as every collector has what came before it");
}

static bool caught_up(const struct key_rotation *rotation) {
    for (size_t i = 0; i < rotation->collectors->count; i++) {
        const struct collector *collector = rotation->collectors->list[i];
        for (unsigned lane = 0; lane < LANES; lane++)
            if (lanes_marks(rotation->lanes, collector->known.number, (enum lane)lane).closed <
                rotation->closed_before[lane])
                return false;
        if (!connection_is_ready(collector->connection))
            return false;
    }
    return true;
}

static bool ask_one(struct key_rotation *rotation, const struct collector *collector, uint64_t now_us,
                    struct fault *fault) {
    const struct membership *membership = rotation->settings.membership;
    const struct random_source random = random_source_system();
    struct verify_key first_key, key, log_key;
    uint8_t nonce[STATEMENT_NONCE_SIZE];
    memcpy(first_key.bytes, membership->first_key, sizeof first_key.bytes);
    memcpy(key.bytes, membership->key, sizeof key.bytes);
    memcpy(log_key.bytes, collector->known.log_key, sizeof log_key.bytes);
    const struct hash log = statement_log(slice_string(collector->known.origin), &log_key);
    const struct rotation_place place = {&log, slice_string(membership->host), &first_key, &key,
                                         membership->epoch};
    CLEANUP_BUFFER struct buffer statement = BUFFER(ROTATION_MOST);
    if (!random_fill(&random, nonce, sizeof nonce, fault))
        return false;
    if (!rotation_sign(&place, rotation->keys.key, rotation->keys.next, nonce, now_us, &statement))
        return fault_set(fault, FAULT_INTERNAL, "the statement cannot be made");
    connection_rotate(collector->connection,
                      &(struct uplink_next_key){membership->epoch + 1,
                                                signing_key_public(rotation->keys.next)->bytes,
                                                buffer_slice(&statement)});
    return true;
}

static bool ask(struct key_rotation *rotation, uint64_t now_us, struct fault *fault) {
    for (size_t i = 0; i < rotation->collectors->count; i++)
        if (!ask_one(rotation, rotation->collectors->list[i], now_us, fault))
            return false;
    rotation->phase = ASKED;
    rotation->taken = 0;
    return true;
}

static void tell_refused(struct key_rotation *rotation, const struct collector *collector) {
    char text[512];
    snprintf(text, sizeof text,
             "the collector refuses the next signing key (%s), and the present one stays in force; its log says why, "
             "and `tocsin-agent --rotate-key` asks again",
             collector->address);
    tell(rotation, LOG_LEVEL_ERROR, "key_rotation_refused", text);
}

static void take_answers(struct key_rotation *rotation) {
    bool all = true;
    for (size_t i = 0; i < rotation->collectors->count; i++) {
        const struct collector *collector = rotation->collectors->list[i];
        enum uplink_rotation answer = connection_rotation(collector->connection);
        if (answer == UPLINK_ROTATION_REFUSED) {
            rotation->phase = REFUSED;
            tell_refused(rotation, collector);
            return;
        }
        if (answer == UPLINK_ROTATION_TAKEN)
            rotation->taken |= 1u << collector->known.number;
        all = all && rotation->taken >> collector->known.number & 1u;
    }
    if (all)
        rotation->phase = TAKEN;
}

static void end_epoch(struct key_rotation *rotation) {
    struct fault fault = {0};
    if (!agent_keys_stand(&rotation->keys, rotation->settings.data, &fault)) {
        rotation->phase = REFUSED;
        log_fault(LOG_LEVEL_ERROR, &fault,
                  "the next signing key was changed after it was announced; the present one stays in force");
        return;
    }
    if (lanes_rotate(rotation->lanes, rotation->keys.next, &fault))
        rotation->phase = ENDED;
    else if (fault.code != FAULT_BUSY)
        complain(rotation, &fault, "the epoch cannot be ended");
}

void key_rotation_turn(struct key_rotation *rotation, uint64_t now_us) {
    struct fault fault = {0};
    if (rotation->phase == WAITING && caught_up(rotation) && !ask(rotation, now_us, &fault))
        complain(rotation, &fault, "the next signing key cannot be announced");
    if (rotation->phase == ASKED)
        take_answers(rotation);
    if (rotation->phase == TAKEN)
        end_epoch(rotation);
}

void key_rotation_flushed(struct key_rotation *rotation) {
    struct fault fault = {0};
    if (rotation->phase == ENDED)
        rotation->phase = SETTLING;
    if (rotation->phase == SETTLING && !settle(rotation, &fault))
        complain(rotation, &fault, "the rotated key cannot be put into its files");
}

uint64_t key_rotation_delay_us(const struct key_rotation *rotation) {
    bool waits = rotation->phase == WAITING || rotation->phase == TAKEN || rotation->phase == SETTLING;
    return waits ? LOOK_US : UINT64_MAX;
}

/* ---- by hand */

bool key_rotation_request(const char *data, char *ret_sentence, size_t size, struct fault *fault) {
    char lock[FILES_PATH_MOST];
    bool made;
    pid_t agent;
    site_path(lock, data, SITE_AGENT_LOCK);
    if (!agent_keys_make_next(data, &made, fault))
        return false;
    const char *key =
        made ? "The next signing key is made." : "A next signing key was made before and waits.";
    if (!files_lock_owner(lock, &agent)) {
        snprintf(ret_sentence, size, "%s No agent runs here: the next one that starts announces it.", key);
        return true;
    }
    if (kill(agent, SIGHUP) != 0)
        return fault_set_system(fault, "%s But the agent (process %ld) cannot be told", key, (long)agent);
    snprintf(ret_sentence, size,
             "%s The agent (process %ld) is told: it signs with it once the collector has taken it.", key,
             (long)agent);
    return true;
}
