/* A control chain of anything: the ledger takes it or refuses it as it had judged, and no erasure is found lawful that began
 * before its minimum, or by an intent before its maximum.
 *
 *     input = n × (u8 type ‖ u8 people ‖ u16 hours ‖ u8 size ‖ payload)
 */
#include <stdlib.h>

#include "ed25519.h"
#include "retention_standard.h"
#include "retention_unit.h"
#include "statement_type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define START 1735689600000000ull
#define HOUR 3600000000ull
#define ENTRIES_MOST 256u

static void expect(bool good) {
    if (!good)
        abort();
}

static bool witnessed(void *context, uint64_t index, uint64_t *ret_earliest_us, uint64_t *ret_latest_us) {
    const uint64_t *times = context;
    if (index >= ENTRIES_MOST || index % 7 == 6)
        return false;
    *ret_earliest_us = times[index];
    *ret_latest_us = times[index] + index % 3;
    return true;
}

static bool newest_close(void *context, const struct hash *stream, uint64_t below, uint64_t *ret_close_us) {
    const uint64_t *times = context;
    (void)stream;
    *ret_close_us = below && below <= ENTRIES_MOST ? times[below - 1] : 0;
    return below > 0 && below <= ENTRIES_MOST;
}

static void write_genesis(struct buffer *to, uint8_t flags) {
    static const uint8_t seeds[4][32] = {{1}, {2}, {3}, {4}};
    struct signing_key *keys[4];
    for (size_t i = 0; i < 4; i++)
        keys[i] = signing_key_create(seeds[i]);
    struct genesis genesis = {.origin = SLICE("ca.example/log"),
                              .log_key = *signing_key_public(keys[0]),
                              .registrar = *signing_key_public(keys[1]),
                              .person_count = 1,
                              .retention = retention_policy_shipped()};
    genesis.people[0] = (struct person){.id = {{1}}, .role = ROLE_ADMINISTRATOR, .key_count = 1};
    genesis.people[0].keys[0] = signer_key_ed25519(signing_key_public(keys[2]));
    genesis.witnesses.needed = genesis.witnesses.count = flags & 1;
    expect(note_key_make(NOTE_KEY_WITNESS, SLICE("witness"), signing_key_public(keys[3]),
                         &genesis.witnesses.witnesses[0], NULL));
    expect(genesis_write(to, &genesis));
    for (size_t i = 0; i < 4; i++)
        signing_key_destroy(keys[i]);
}

struct world {
    struct retention_ledger *ledger;
    struct agent_registry *registry;
    uint64_t times[ENTRIES_MOST];
    uint64_t count;
};

static void add(struct world *w, uint32_t type, unsigned people, uint64_t hours, struct slice payload) {
    uint64_t time_us = w->count ? w->times[w->count - 1] + hours * HOUR : START;
    struct control_entry entry = {.ctl_seq = w->count, .time_us = time_us};
    entry.statement.statement = (struct statement){.type = type, .made_us = time_us, .payload = payload};
    struct control_verdict verdict = {.people = people, .single_control = people == 1};
    /* Keys of a genesis take their time. */
    bool judged =
        type == STATEMENT_GENESIS || retention_ledger_judge(w->ledger, &entry.statement.statement, NULL);
    w->times[w->count] = time_us;
    bool taken = retention_ledger_add(w->ledger, w->count, &entry, &verdict, NULL);
    expect(judged == taken);
    w->count++;
}

static void judge_all(const struct world *w) {
    const struct retention_clock clock = {(void *)(uintptr_t)w->times, witnessed, newest_close};
    const struct retention_now now = {UINT64_MAX, w->times[w->count - 1], w->count};
    const struct retention_erasure *erasures;
    size_t count = retention_ledger_erasures(w->ledger, &erasures);
    for (size_t i = 0; i < count; i++) {
        const struct erase_range *range = &erasures[i].range;
        const struct retention_grounds *grounds = retention_ledger_ground(w->ledger, erasures[i].grounds);
        struct erasure_judgement judgement;
        struct retention_plan plan;
        struct retention_unit *unit =
            retention_unit_create(w->ledger, w->registry, range->class, range->first, range->last);
        struct retention_batch batch = {
            .index = range->first, .open_us = START, .close_us = START + HOUR, .count = 1};
        retention_unit_add(unit, &batch);
        retention_unit_judge(unit, &erasures[i], &clock, &judgement);
        retention_unit_plan(unit, &clock, &now, &plan);
        if (judgement.verdict == ERASURE_LAWFUL) {
            expect(grounds && judgement.now_us >= judgement.span.earliest_us);
            expect(grounds->kind == GROUNDS_EARLY || judgement.now_us >= judgement.span.latest_us);
            expect(grounds->kind == GROUNDS_EARLY || !judgement.unwitnessed);
        }
        (void)retention_unit_over_retained(unit, &clock, &now);
        retention_unit_destroy(unit);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct world w = {.ledger = retention_ledger_create(), .registry = agent_registry_create()};
    static struct buffer geneses[2]; /* made once */
    struct bytes_reader reader = bytes_read(slice_make(data, size));
    uint8_t flags = bytes_read_u8(&reader) & 1;
    geneses[flags].limit = GENESIS_MOST;
    if (geneses[flags].size == 0)
        write_genesis(&geneses[flags], flags);
    add(&w, STATEMENT_GENESIS, 1, 0, buffer_slice(&geneses[flags]));
    while (!reader.failed && reader.rest.size > 0 && w.count < ENTRIES_MOST) {
        uint32_t type = bytes_read_u8(&reader);
        unsigned people = bytes_read_u8(&reader);
        uint64_t hours = bytes_read_u16(&reader);
        struct slice payload = bytes_read_raw(&reader, bytes_read_u8(&reader));
        if (!reader.failed && type != STATEMENT_GENESIS)
            add(&w, type, people, hours, payload);
    }
    judge_all(&w);
    retention_ledger_destroy(w.ledger);
    agent_registry_destroy(w.registry);
    return 0;
}
