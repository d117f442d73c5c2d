#include "agent_registry.h"

#include <stdlib.h>

#include "agent_enrolment.h"
#include "memory.h"
#include "rotation.h"
#include "signed_conflict.h"
#include "statement_type.h"

struct agent_registry {
    size_t count, room;
    struct agent_line *lines;
};

static bool keys_equal(const struct verify_key *a, const struct verify_key *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* ---- finding */

const struct agent_epoch *agent_line_epoch(const struct agent_line *line, uint32_t epoch) {
    for (size_t i = 0; i < line->epoch_count; i++)
        if (line->epochs[i].epoch == epoch)
            return &line->epochs[i];
    return NULL;
}

const struct agent_epoch *agent_line_open(const struct agent_line *line) {
    const struct agent_epoch *newest = &line->epochs[line->epoch_count - 1];
    return newest->until == AGENT_INDEX_NEVER ? newest : NULL;
}

const struct agent_line *agent_registry_by_stream(const struct agent_registry *registry,
                                                  const struct hash *stream_id, enum lane *ret_lane) {
    for (size_t i = 0; i < registry->count; i++)
        for (unsigned lane = 0; lane < LANES; lane++)
            if (hash_equal(&registry->lines[i].streams[lane], stream_id)) {
                if (ret_lane)
                    *ret_lane = (enum lane)lane;
                return &registry->lines[i];
            }
    return NULL;
}

static bool live_at(const struct agent_line *line, uint64_t index) {
    bool live = false;
    for (size_t i = 0; i < line->epoch_count; i++)
        live = live || agent_epoch_live(&line->epochs[i], index);
    return live;
}

const struct agent_line *agent_registry_by_name(const struct agent_registry *registry, struct slice name,
                                                uint64_t index) {
    for (size_t i = 0; i < registry->count; i++)
        if (slice_equal(registry->lines[i].name, name) && live_at(&registry->lines[i], index))
            return &registry->lines[i];
    return NULL;
}

size_t agent_registry_count(const struct agent_registry *registry) {
    return registry->count;
}

const struct agent_line *agent_registry_at(const struct agent_registry *registry, size_t number) {
    return &registry->lines[number];
}

static bool key_known(const struct agent_registry *registry, const struct verify_key *key) {
    for (size_t i = 0; i < registry->count; i++)
        for (size_t e = 0; e < registry->lines[i].epoch_count; e++)
            if (keys_equal(&registry->lines[i].epochs[e].key, key))
                return true;
    return false;
}

static bool name_known(const struct agent_registry *registry, struct slice name) {
    for (size_t i = 0; i < registry->count; i++)
        if (slice_equal(registry->lines[i].name, name))
            return true;
    return false;
}

/* ---- whether a statement fits */

/* An enrolment goes on with streams that are there, or begins new ones. */
static bool fits_enrolment(const struct agent_registry *registry, const struct agent_enrolment *enrolment,
                           struct fault *fault) {
    enum lane lane = LANE_SECURITY;
    const struct agent_line *line =
        agent_registry_by_stream(registry, &enrolment->streams[LANE_SECURITY], &lane);
    if (key_known(registry, &enrolment->key))
        return fault_set(fault, FAULT_CONFLICT,
                         "the enrolment's key was an agent's before, and a key never returns");
    if (enrolment->epoch == 0 || !line)
        return true; /* its streams are new here: made from its new key, or begun in another log */
    if (lane != LANE_SECURITY || !slice_equal(line->name, enrolment->name) ||
        !hash_equal(&line->streams[LANE_BULK], &enrolment->streams[LANE_BULK]))
        return fault_set(fault, FAULT_CONFLICT, "the enrolment goes on with streams that %.*s does not have",
                         SLICE_ARG(enrolment->name));
    uint32_t next = line->epochs[line->epoch_count - 1].epoch + 1;
    return enrolment->epoch == next ||
           fault_set(fault, FAULT_CONFLICT, "the enrolment opens key epoch %u, and %u is the next",
                     enrolment->epoch, next);
}

static bool fits_rotation(const struct agent_registry *registry, const struct rotation *rotation,
                          struct fault *fault) {
    const struct agent_line *line =
        agent_registry_by_stream(registry, &rotation->streams[LANE_SECURITY], NULL);
    const struct agent_epoch *open = line ? agent_line_open(line) : NULL;
    if (!open)
        return fault_set(fault, FAULT_CONFLICT,
                         "the rotation is of an agent that is not enrolled, or not any more");
    struct rotation_place place = {
        .name = line->name, .first_key = &line->first_key, .key = &open->key, .epoch = open->epoch};
    if (!check_good(rotation_check(rotation, &place, fault)))
        return false;
    return !key_known(registry, &rotation->new_key) ||
           fault_set(fault, FAULT_CONFLICT,
                     "the rotation's key was an agent's before, and a key never returns");
}

static bool fits_revocation(const struct agent_registry *registry, const struct agent_revocation *revocation,
                            struct fault *fault) {
    const struct agent_line *line = agent_registry_by_stream(registry, &revocation->stream, NULL);
    return (line && slice_equal(line->name, revocation->name) && agent_line_epoch(line, revocation->epoch)) ||
           fault_set(fault, FAULT_MISSING, "the revocation names a key epoch that was never enrolled");
}

/* What a statement says, read once. */
struct matter {
    struct agent_enrolment enrolment;
    struct agent_revocation revocation;
    struct fork_statement fork;
};

static bool judge(const struct agent_registry *registry, const struct statement *statement,
                  struct matter *matter, struct fault *fault) {
    switch (statement->type) {
    case STATEMENT_AGENT_ENROL:
        return agent_enrolment_read(statement->payload, &matter->enrolment, fault) &&
               fits_enrolment(registry, &matter->enrolment, fault);
    case STATEMENT_AGENT_REVOKE:
        return agent_revocation_read(statement->payload, &matter->revocation, fault) &&
               fits_revocation(registry, &matter->revocation, fault);
    case STATEMENT_FORK:
        return fork_statement_read(statement->payload, &matter->fork, fault) &&
               (agent_registry_by_stream(registry, &matter->fork.stream_id, NULL) ||
                fault_set(fault, FAULT_MISSING, "the fork is of a stream that was never enrolled"));
    default:
        return true;
    }
}

bool agent_registry_judge(const struct agent_registry *registry, const struct statement *statement,
                          struct fault *fault) {
    struct matter matter;
    return judge(registry, statement, &matter, fault);
}

bool agent_registry_judge_rotation(const struct agent_registry *registry, const struct signed_statement *statement,
                                   struct fault *fault) {
    struct rotation rotation;
    return statement->statement.type != STATEMENT_AGENT_ROTATE ||
           (rotation_of(statement, &rotation, fault) && fits_rotation(registry, &rotation, fault));
}

/* ---- what it changes */

static void add_epoch(struct agent_line *line, struct agent_epoch epoch) {
    line->epochs = memory_resize(line->epochs, line->epoch_count + 1, sizeof *line->epochs);
    line->epochs[line->epoch_count++] = epoch;
}

static void end(struct agent_epoch *epoch, uint64_t index) {
    if (epoch->until == AGENT_INDEX_NEVER)
        epoch->until = index;
}

static void end_name(struct agent_registry *registry, struct slice name, uint64_t index) {
    for (size_t i = 0; i < registry->count; i++)
        for (size_t e = 0; slice_equal(registry->lines[i].name, name) && e < registry->lines[i].epoch_count;
             e++)
            end(&registry->lines[i].epochs[e], index);
}

static struct agent_line *line_of(struct agent_registry *registry, const struct hash *stream_id) {
    return memory_known((void *)(uintptr_t)agent_registry_by_stream(registry, stream_id, NULL));
}

static struct agent_line *add_line(struct agent_registry *registry, const struct agent_enrolment *enrolment) {
    if (registry->count == registry->room) {
        registry->room = registry->room ? 2 * registry->room : 8;
        registry->lines = memory_resize(registry->lines, registry->room, sizeof *registry->lines);
    }
    struct agent_line *line = &registry->lines[registry->count++];
    *line = (struct agent_line){
        .name = slice_make(memory_copy(enrolment->name.data, enrolment->name.size), enrolment->name.size),
        .first_key = enrolment->first_key};
    memcpy(line->streams, enrolment->streams, sizeof line->streams);
    return line;
}

static void enrol(struct agent_registry *registry, const struct agent_enrolment *enrolment,
                  const struct control_verdict *verdict, uint64_t index) {
    struct agent_epoch epoch = {.epoch = enrolment->epoch,
                                .key = enrolment->key,
                                .from = index,
                                .until = AGENT_INDEX_NEVER,
                                .confirmed = verdict->confirmed || !name_known(registry, enrolment->name),
                                .single_control = verdict->single_control,
                                .heartbeat_s = enrolment->heartbeat_s,
                                .tls = enrolment->tls};
    memcpy(epoch.first_batch_seq, enrolment->first_batch_seq, sizeof epoch.first_batch_seq);
    end_name(registry, enrolment->name, index);
    bool known = agent_registry_by_stream(registry, &enrolment->streams[LANE_SECURITY], NULL) != NULL;
    add_epoch(known ? line_of(registry, &enrolment->streams[LANE_SECURITY]) : add_line(registry, enrolment), epoch);
}

static void rotate(struct agent_registry *registry, const struct rotation *rotation, uint64_t index) {
    struct agent_line *line = line_of(registry, &rotation->streams[LANE_SECURITY]);
    struct agent_epoch epoch = line->epochs[line->epoch_count - 1];
    epoch.epoch = rotation->epoch;
    epoch.key = rotation->new_key;
    epoch.from = index;
    epoch.rotated = true;
    memset(epoch.first_batch_seq, 0, sizeof epoch.first_batch_seq);
    add_epoch(line, epoch);
}

static void revoke(struct agent_registry *registry, const struct agent_revocation *revocation,
                   uint64_t index) {
    struct agent_line *line = line_of(registry, &revocation->stream);
    bool descends = false;
    for (size_t i = 0; i < line->epoch_count; i++) {
        struct agent_epoch *epoch = &line->epochs[i];
        descends = epoch->epoch == revocation->epoch || (descends && epoch->rotated);
        if (descends)
            end(epoch, index);
    }
}

static void fork_ends(struct agent_registry *registry, const struct fork_statement *fork, uint64_t index) {
    struct agent_line *line = line_of(registry, &fork->stream_id);
    for (size_t i = 0; i < line->epoch_count; i++)
        end(&line->epochs[i], index);
}

bool agent_registry_take(struct agent_registry *registry, const struct control_entry *entry,
                         const struct control_verdict *verdict, uint64_t index, struct fault *fault) {
    const struct statement *statement = &entry->statement.statement;
    struct matter matter;
    if (statement->type == STATEMENT_AGENT_ROTATE) {
        struct rotation rotation;
        if (!rotation_of(&entry->statement, &rotation, fault) || !fits_rotation(registry, &rotation, fault))
            return false;
        rotate(registry, &rotation, index);
        return true;
    }
    if (!judge(registry, statement, &matter, fault))
        return false;
    if (statement->type == STATEMENT_AGENT_ENROL)
        enrol(registry, &matter.enrolment, verdict, index);
    if (statement->type == STATEMENT_AGENT_REVOKE)
        revoke(registry, &matter.revocation, index);
    if (statement->type == STATEMENT_FORK)
        fork_ends(registry, &matter.fork, index);
    return true;
}

/* ---- */

struct agent_registry *agent_registry_create(void) {
    return memory_new(sizeof(struct agent_registry));
}

struct agent_registry *agent_registry_destroy(struct agent_registry *registry) {
    for (size_t i = 0; registry && i < registry->count; i++) {
        free((void *)(uintptr_t)registry->lines[i].name.data);
        free(registry->lines[i].epochs);
    }
    free(registry ? registry->lines : NULL);
    free(registry);
    return NULL;
}
