#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "known_note.h"
#include "lasting.h"
#include "log.h"
#include "log_reader.h"
#include "memory.h"
#include "witnessing_inside.h"

/* ---- the log, as a link sees it */

static uint64_t view_size(void *context) {
    return log_state_size(context);
}

static bool view_root(void *context, uint64_t size, struct hash *ret_root, struct fault *fault) {
    return log_reader_root(log_state_reader(context), size, ret_root, fault);
}

static bool view_proof(void *context, uint64_t old_size, uint64_t size, struct merkle_path *ret_path,
                       struct fault *fault) {
    return log_reader_consistency(log_state_reader(context), old_size, size, ret_path, fault);
}

/* ---- making and letting go */

static bool make_link(struct asked_witness *asked, const struct collector_witness_settings *settings,
                      struct log_state *log, struct fault *fault) {
    const struct witness_link_settings link = {.url = settings->url,
                                               .authorities_path = settings->ca,
                                               .witness = &asked->key,
                                               .log = log_state_key(log),
                                               .view = {log, view_size, view_root, view_proof}};
    asked->url = memory_copy_string(settings->url);
    asked->lines = asked->known = BUFFER(NOTE_MOST);
    asked->link = witness_link_create(&link, fault);
    return asked->link != NULL;
}

static struct asked_witness *free_witness(struct asked_witness *asked) {
    if (asked) {
        witness_link_destroy(asked->link);
        buffer_free(&asked->lines);
        buffer_free(&asked->known);
        free(asked->url);
    }
    free(asked);
    return NULL;
}

struct witnessing_set *witnessing_prepare(struct witnessing *witnessing, const struct collector_settings *settings,
                                          struct fault *fault) {
    const struct collector_witness_settings *list = settings->witnesses.list.items;
    struct witnessing_set *set = memory_new(sizeof *set);
    set->patience_us = settings->witnesses.patience_us;
    if (!witnessing_read_settings(settings, &set->policy, fault) ||
        (!witness_policy_check(&set->policy, &log_state_key(witnessing->log)->key, fault) &&
         !fault_place(fault, "witnesses")))
        return witnessing_set_destroy(set);
    for (unsigned i = 0; i < set->policy.count; i++) {
        struct asked_witness *asked = set->witnesses[set->count++] = memory_new(sizeof *asked);
        asked->all = witnessing;
        asked->key = set->policy.witnesses[i];
        asked->delay_us = WITNESS_RETRY_LEAST_US;
        if (!make_link(asked, &list[i], witnessing->log, fault))
            return witnessing_set_destroy(set);
    }
    return set;
}

struct witnessing_set *witnessing_set_destroy(struct witnessing_set *set) {
    for (unsigned i = 0; set && i < set->count; i++)
        free_witness(set->witnesses[i]);
    free(set);
    return NULL;
}

static void use(struct witnessing *witnessing, struct witnessing_set *set) {
    witnessing->policy = set->policy;
    witnessing->patience_us = set->patience_us;
    witnessing->needed = set->policy.needed;
    witnessing->count = set->count;
    memcpy(witnessing->witnesses, set->witnesses, sizeof set->witnesses);
    free(set);
}

struct witnessing *witnessing_create(const struct collector_settings *settings, struct log_state *log,
                                     struct fault *fault) {
    struct witnessing *witnessing = memory_new(sizeof *witnessing);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&witnessing->mutex, NULL);
    pthread_cond_init(&witnessing->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    witnessing->log = log;
    witnessing->round.note = witnessing->next_note = witnessing->refused = BUFFER(NOTE_MOST);
    struct witnessing_set *set = witnessing_prepare(witnessing, settings, fault);
    if (!set)
        return witnessing_destroy(witnessing);
    use(witnessing, set);
    return witnessing;
}

struct witnessing *witnessing_destroy(struct witnessing *witnessing) {
    if (!witnessing)
        return NULL;
    for (unsigned i = 0; i < witnessing->count; i++)
        free_witness(witnessing->witnesses[i]);
    for (struct asked_witness *next; witnessing->retired; witnessing->retired = next) {
        next = witnessing->retired->next_retired;
        free_witness(witnessing->retired);
    }
    buffer_free(&witnessing->round.note);
    buffer_free(&witnessing->next_note);
    buffer_free(&witnessing->refused);
    pthread_cond_destroy(&witnessing->changed);
    pthread_mutex_destroy(&witnessing->mutex);
    free(witnessing);
    return NULL;
}

/* ---- waiting */

static void wait_until(struct witnessing *witnessing, uint64_t until_us) {
    if (until_us == UINT64_MAX) {
        pthread_cond_wait(&witnessing->changed, &witnessing->mutex);
        return;
    }
    struct timespec until = {(time_t)(until_us / 1000000), (long)(until_us % 1000000 * 1000)};
    pthread_cond_timedwait(&witnessing->changed, &witnessing->mutex, &until);
}

/* ---- what a witness said; under the lock */

static void settle_failed(struct asked_witness *asked, const char *sentence, uint64_t now_us) {
    snprintf(asked->error, sizeof asked->error, "%s", sentence);
    if (asked->state != WITNESS_FAILING)
        asked->failing_since_us = now_us;
    asked->state = WITNESS_FAILING;
    asked->retry_us = now_us + asked->delay_us;
    asked->delay_us =
        asked->delay_us * 2 < WITNESS_RETRY_MOST_US ? asked->delay_us * 2 : WITNESS_RETRY_MOST_US;
    if (asked->told_failing)
        return;
    asked->told_failing = true;
    log_warning("the witness %.*s does not cosign: %s", SLICE_ARG(note_key_name(&asked->key)), sentence);
    witnessing_tell(asked->all, asked, "witness_failing", sentence);
}

static void settle_good(struct asked_witness *asked) {
    asked->state = WITNESS_GOOD;
    asked->delay_us = WITNESS_RETRY_LEAST_US;
    asked->retry_us = 0;
    *asked->error = '\0';
    if (asked->told_failing) {
        log_notice("the witness %.*s is back", SLICE_ARG(note_key_name(&asked->key)));
        witnessing_tell(asked->all, asked, "witness_back", "it cosigns again");
    }
    asked->told_failing = false;
    asked->told_down_us = 0;
}

static void settle_cosigned(struct asked_witness *asked, uint64_t number, const struct witness_answer *answer,
                            uint64_t now_us) {
    struct witnessing *witnessing = asked->all;
    uint64_t wall_us = clock_wall_us();
    if (answer->time_s > (wall_us + COSIGNATURE_AHEAD_US) / 1000000) {
        settle_failed(asked, "its clock is ahead of this one's: what it signs does not count", now_us);
        return;
    }
    settle_good(asked);
    asked->done = number;
    asked->size = answer->size;
    asked->cosigned_s = answer->time_s;
    witnessing->cosignatures++;
    if (witnessing->round.number != number)
        return;
    buffer_clear(&asked->lines);
    buffer_append_slice(&asked->lines, buffer_slice(&answer->lines));
}

static void settle(struct asked_witness *asked, uint64_t number, enum witness_outcome outcome,
                   const struct witness_answer *answer, const struct fault *fault) {
    struct witnessing *witnessing = asked->all;
    uint64_t now_us = clock_monotonic_us();
    if (asked->retired)
        return; /* what it says does not count any more, but a proof does not age: the next start compares */
    asked->tried = number;
    switch (outcome) {
    case WITNESS_AGREES:
        settle_cosigned(asked, number, answer, now_us);
        break;
    case WITNESS_AHEAD:
        settle_good(asked);
        asked->done = number;
        break;
    case WITNESS_FAILED:
        settle_failed(asked, fault->text, now_us);
        break;
    case WITNESS_ROLLBACK:
    case WITNESS_FORK:
        asked->state = WITNESS_LYING;
        snprintf(asked->error, sizeof asked->error, "%s", fault->text);
        witnessing->forked = true;
        log_error("%.*s: %s. Nothing more is published", SLICE_ARG(note_key_name(&asked->key)), fault->text);
        witnessing_tell_fork(witnessing, asked, answer, fault->text);
        break;
    }
}

/* ---- a witness's thread */

static void ask(struct asked_witness *asked) {
    struct witnessing *witnessing = asked->all;
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct witness_answer answer = witness_answer_make();
    struct fault fault = {0};
    uint64_t number = witnessing->round.number, size = witnessing->round.head.size;
    buffer_append_slice(&note, buffer_slice(&witnessing->round.note));
    pthread_mutex_unlock(&witnessing->mutex);
    enum witness_outcome outcome = witness_link_ask(asked->link, size, buffer_slice(&note), &answer, &fault);
    pthread_mutex_lock(&witnessing->mutex);
    settle(asked, number, outcome, &answer, &fault);
    witness_answer_free(&answer);
    pthread_cond_broadcast(&witnessing->changed);
}

/* One that came by a reload: what it has is held against the log first, as at a start. One that is not there is asked later. */
static void compare(struct asked_witness *asked) {
    struct witnessing *witnessing = asked->all;
    struct witness_answer answer = witness_answer_make();
    struct fault fault = {0};
    asked->compare = false;
    pthread_mutex_unlock(&witnessing->mutex);
    enum witness_outcome outcome = witness_link_compare(asked->link, &answer, &fault);
    pthread_mutex_lock(&witnessing->mutex);
    if (outcome == WITNESS_ROLLBACK || outcome == WITNESS_FORK)
        settle(asked, asked->tried, outcome, &answer, &fault);
    witness_answer_free(&answer);
}

static void *ask_until_stopped(void *context) {
    struct asked_witness *asked = context;
    struct witnessing *witnessing = asked->all;
    pthread_mutex_lock(&witnessing->mutex);
    if (asked->compare)
        compare(asked);
    while (!witnessing->stopping && !asked->retired) {
        bool wanted = witnessing->round.number != asked->done && !witnessing->forked;
        if (wanted && clock_monotonic_us() >= asked->retry_us)
            ask(asked);
        else
            wait_until(witnessing, wanted ? asked->retry_us : UINT64_MAX);
    }
    pthread_mutex_unlock(&witnessing->mutex);
    return NULL;
}

/* ---- the gathering thread */

static bool quorum_met(const struct witness_policy *policy, const struct note_key *log, struct slice note) {
    struct signed_checkpoint read;
    return policy->needed == 0 || (checkpoint_read(note, log, policy, &read, NULL) &&
                                   checkpoint_quorum(&read, policy, clock_wall_us()).met);
}

/* The note with every cosignature that is there. */
static void whole_note(const struct witnessing *witnessing, struct buffer *to) {
    buffer_append_slice(to, buffer_slice(&witnessing->round.note));
    for (unsigned i = 0; i < witnessing->count; i++)
        buffer_append_slice(to, buffer_slice(&witnessing->witnesses[i]->lines));
}

/* Whether nobody is left who might still answer this round soon. */
static bool all_have_tried(const struct witnessing *witnessing, uint64_t now_us) {
    for (unsigned i = 0; i < witnessing->count; i++) {
        const struct asked_witness *asked = witnessing->witnesses[i];
        if (asked->tried != witnessing->round.number && asked->retry_us <= now_us)
            return false;
    }
    return true;
}

static bool may_publish(struct witnessing *witnessing, struct slice note, uint64_t now_us) {
    struct witness_policy logged;
    if (witnessing->round.number == 0 || witnessing->round.published || witnessing->forked)
        return false;
    if (!quorum_met(&witnessing->policy, log_state_key(witnessing->log), note))
        return false;
    if (!log_state_witnesses(witnessing->log, &logged, NULL))
        return false;
    witnessing->needed =
        logged.needed > witnessing->policy.needed ? logged.needed : witnessing->policy.needed;
    if (!quorum_met(&logged, log_state_key(witnessing->log), note))
        return false;
    if (witnessing->round.met_us == 0)
        witnessing->round.met_us = now_us;
    return all_have_tried(witnessing, now_us) || now_us - witnessing->round.met_us >= WITNESS_GRACE_US;
}

static void publish(struct witnessing *witnessing, struct slice note, uint64_t now_us) {
    witnessing->round.published = true;
    witnessing->met = witnessing->needed > 0;
    witnessing->published_size = witnessing->round.head.size;
    witnessing->published_us = clock_wall_us();
    witnessing->unmet_since_us = witnessing->waiting ? now_us : 0;
    if (witnessing->told_unwitnessed) {
        witnessing->told_unwitnessed = false;
        witnessing_tell(witnessing, NULL, "log_witnessed",
                        "checkpoints have their quorum of witnesses again");
    }
    pthread_mutex_unlock(&witnessing->mutex);
    checkpoint_maker_publish(witnessing->maker, note);
    pthread_mutex_lock(&witnessing->mutex);
}

static void begin_round(struct witnessing *witnessing, uint64_t now_us) {
    struct buffer old = witnessing->round.note;
    witnessing->round = (struct witnessing_round){.number = witnessing->round.number + 1,
                                                  .head = witnessing->next_head,
                                                  .note = witnessing->next_note,
                                                  .begun_us = now_us};
    witnessing->next_note = old;
    witnessing->waiting = false;
    for (unsigned i = 0; i < witnessing->count; i++)
        buffer_clear(&witnessing->witnesses[i]->lines);
    pthread_cond_broadcast(&witnessing->changed);
}

static bool round_is_over(const struct witnessing *witnessing, uint64_t now_us) {
    const struct witnessing_round *round = &witnessing->round;
    return round->number == 0 || round->published || now_us - round->begun_us >= WITNESS_ROUND_US ||
           (round->met_us == 0 && all_have_tried(witnessing, now_us));
}

/* When it is told, or told again. */
static uint64_t down_due(const struct witnessing *witnessing, const struct asked_witness *asked) {
    return asked->told_down_us ? asked->told_down_us + LASTING_REMIND_US
                               : asked->failing_since_us + witnessing->patience_us;
}

static uint64_t unwitnessed_due(const struct witnessing *witnessing) {
    return witnessing->told_unwitnessed && witnessing->told_unwitnessed_us
               ? witnessing->told_unwitnessed_us + LASTING_REMIND_US
               : witnessing->unmet_since_us + witnessing->patience_us;
}

static void tell_what_lasts(struct witnessing *witnessing, uint64_t now_us) {
    for (unsigned i = 0; i < witnessing->count; i++) {
        struct asked_witness *asked = witnessing->witnesses[i];
        if (asked->state != WITNESS_FAILING || now_us < down_due(witnessing, asked))
            continue;
        asked->told_down_us = now_us;
        witnessing_tell(witnessing, asked, "witness_down", asked->error);
    }
    if (witnessing->unmet_since_us == 0 || now_us < unwitnessed_due(witnessing))
        return;
    witnessing->told_unwitnessed = true;
    witnessing->told_unwitnessed_us = now_us;
    witnessing_tell(witnessing, NULL, "log_unwitnessed",
                    "checkpoints are not published: their quorum of witnesses is missing");
}

static void earlier(uint64_t *at_us, uint64_t other_us) {
    *at_us = other_us < *at_us ? other_us : *at_us;
}

/* When something is due although nobody says anything. */
static uint64_t next_due(const struct witnessing *witnessing) {
    const struct witnessing_round *round = &witnessing->round;
    uint64_t due_us = UINT64_MAX;
    if (round->number && !round->published && round->met_us)
        earlier(&due_us, round->met_us + WITNESS_GRACE_US);
    if (witnessing->waiting)
        earlier(&due_us, round->begun_us + WITNESS_ROUND_US);
    if (witnessing->unmet_since_us)
        earlier(&due_us, unwitnessed_due(witnessing));
    for (unsigned i = 0; i < witnessing->count; i++) {
        const struct asked_witness *asked = witnessing->witnesses[i];
        if (asked->state == WITNESS_FAILING)
            earlier(&due_us, down_due(witnessing, asked));
    }
    return due_us;
}

static void *gather_until_stopped(void *context) {
    struct witnessing *witnessing = context;
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    pthread_mutex_lock(&witnessing->mutex);
    while (!witnessing->stopping) {
        uint64_t now_us = clock_monotonic_us();
        tell_what_lasts(witnessing, now_us);
        buffer_clear(&note);
        whole_note(witnessing, &note);
        if (may_publish(witnessing, buffer_slice(&note), now_us))
            publish(witnessing, buffer_slice(&note), now_us);
        if (witnessing->waiting && round_is_over(witnessing, now_us))
            begin_round(witnessing, now_us);
        else if (!witnessing->stopping)
            wait_until(witnessing, next_due(witnessing));
    }
    pthread_mutex_unlock(&witnessing->mutex);
    return NULL;
}

/* ---- what the wiring calls */

void witnessing_offer(void *context, const struct log_head *head, struct slice note) {
    struct witnessing *witnessing = context;
    pthread_mutex_lock(&witnessing->mutex);
    witnessing->next_head = *head;
    buffer_clear(&witnessing->next_note);
    witnessing->waiting = buffer_append_slice(&witnessing->next_note, note);
    if (witnessing->unmet_since_us == 0)
        witnessing->unmet_since_us = clock_monotonic_us();
    pthread_cond_broadcast(&witnessing->changed);
    pthread_mutex_unlock(&witnessing->mutex);
}

static bool start_thread(pthread_t *thread, void *(*run)(void *), void *context, struct fault *fault) {
    return pthread_create(thread, NULL, run, context) == 0 ||
           fault_set(fault, FAULT_IO, "no thread for the witnesses");
}

/* What a witness showed at the start and is missing here. */
static void keep_known(struct asked_witness *asked) {
    const struct witness_policy policy = {.needed = 1, .count = 1, .witnesses = {asked->key}};
    struct change *change = asked->known.size
                                ? known_note_change(asked->all->log, &policy, buffer_slice(&asked->known))
                                : NULL;
    if (change)
        committer_submit(asked->all->committer, change);
    buffer_free(&asked->known);
}

static bool start_witness(struct asked_witness *asked, struct fault *fault) {
    asked->told_failing = witnessing_was_told(asked->all, asked);
    asked->running = start_thread(&asked->thread, ask_until_stopped, asked, fault);
    return asked->running;
}

bool witnessing_start(struct witnessing *witnessing, const struct store *store, struct committer *committer,
                      struct checkpoint_maker *maker, struct fault *fault) {
    witnessing->store = store;
    witnessing->committer = committer;
    witnessing->maker = maker;
    witnessing->told_unwitnessed = witnessing_was_told(witnessing, NULL);
    for (unsigned i = 0; i < witnessing->count; i++) {
        keep_known(witnessing->witnesses[i]);
        if (!start_witness(witnessing->witnesses[i], fault))
            return false;
    }
    witnessing->running = start_thread(&witnessing->thread, gather_until_stopped, witnessing, fault);
    if (witnessing->running)
        witnessing_tell_apart(witnessing);
    return witnessing->running;
}

void witnessing_use(struct witnessing *witnessing, struct witnessing_set *set) {
    pthread_mutex_lock(&witnessing->mutex);
    for (unsigned i = 0; i < witnessing->count; i++) {
        struct asked_witness *old = witnessing->witnesses[i];
        old->retired = true;
        old->next_retired = witnessing->retired;
        witnessing->retired = old;
    }
    use(witnessing, set);
    witnessing->round.met_us = 0;
    struct fault fault = {0};
    for (unsigned i = 0; i < witnessing->count; i++) {
        struct asked_witness *asked = witnessing->witnesses[i];
        asked->compare = true;
        if (!start_witness(asked, &fault)) { /* as one that is not there, until the next start */
            asked->state = WITNESS_FAILING;
            snprintf(asked->error, sizeof asked->error, "%s", fault.text);
        }
    }
    pthread_cond_broadcast(&witnessing->changed);
    pthread_mutex_unlock(&witnessing->mutex);
    witnessing_tell_apart(witnessing);
}

static void join(struct asked_witness *asked) {
    if (asked->running)
        pthread_join(asked->thread, NULL);
    asked->running = false;
}

void witnessing_stop(struct witnessing *witnessing) {
    if (!witnessing)
        return;
    pthread_mutex_lock(&witnessing->mutex);
    witnessing->stopping = true;
    pthread_cond_broadcast(&witnessing->changed);
    pthread_mutex_unlock(&witnessing->mutex);
    for (unsigned i = 0; i < witnessing->count; i++)
        join(witnessing->witnesses[i]);
    for (struct asked_witness *asked = witnessing->retired; asked; asked = asked->next_retired)
        join(asked);
    if (witnessing->running)
        pthread_join(witnessing->thread, NULL);
    witnessing->running = false;
}
