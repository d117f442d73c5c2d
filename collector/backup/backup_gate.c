#include "backup_gate.h"

#include <stdlib.h>

#include "memory.h"

struct backup_gate {
    struct backup_follower *follower;
    struct checkpoint_publisher next;
    struct checkpoint_maker *maker;
    struct loop_wake *synced;
    struct loop_timer *late;
    /* The newest checkpoint that waits; an older one that still does is passed over. */
    bool waits;
    struct log_head head;
    struct buffer note;
    uint64_t needed, late_count;
};

static void pass_on(struct backup_gate *gate) {
    gate->waits = false;
    loop_timer_stop(gate->late);
    if (gate->next.offer)
        gate->next.offer(gate->next.context, &gate->head, buffer_slice(&gate->note));
    else if (gate->maker)
        checkpoint_maker_publish(gate->maker, buffer_slice(&gate->note));
}

static void look(void *context) {
    struct backup_gate *gate = context;
    if (gate->waits && (!backup_follower_state(gate->follower).following ||
                        backup_follower_synced(gate->follower) >= gate->needed))
        pass_on(gate);
}

static void be_late(void *context) {
    struct backup_gate *gate = context;
    gate->late_count += gate->waits;
    if (gate->waits)
        pass_on(gate);
}

static void wake(void *context) {
    struct backup_gate *gate = context;
    loop_wake_send(gate->synced);
}

/* What it covers, and the note itself, were committed and heard of before this is called. */
static void offer(void *context, const struct log_head *head, struct slice note) {
    struct backup_gate *gate = context;
    bool waited = gate->waits;
    gate->head = *head;
    buffer_clear(&gate->note);
    buffer_append_slice(&gate->note, note);
    gate->needed = backup_follower_heard(gate->follower);
    gate->waits = true;
    if (!waited)
        loop_timer_after(gate->late, BACKUP_GATE_US);
    backup_follower_hurry(gate->follower);
    look(gate);
}

struct backup_gate *backup_gate_create(struct loop *loop, struct backup_follower *follower,
                                       const struct checkpoint_publisher *next) {
    struct backup_gate *gate = memory_new(sizeof *gate);
    gate->follower = follower;
    gate->next = *next;
    gate->note = BUFFER(NOTE_MOST);
    gate->synced = loop_wake_create(loop, look, gate);
    gate->late = loop_timer_create(loop, be_late, gate);
    backup_follower_listen(follower, wake, gate);
    return gate;
}

struct backup_gate *backup_gate_destroy(struct backup_gate *gate) {
    if (!gate)
        return NULL;
    backup_follower_listen(gate->follower, NULL, NULL);
    loop_wake_destroy(gate->synced);
    loop_timer_destroy(gate->late);
    buffer_free(&gate->note);
    free(gate);
    return NULL;
}

struct checkpoint_publisher backup_gate_publisher(struct backup_gate *gate) {
    return (struct checkpoint_publisher){gate, offer};
}

void backup_gate_maker(struct backup_gate *gate, struct checkpoint_maker *maker) {
    gate->maker = maker;
}

uint64_t backup_gate_late(const struct backup_gate *gate) {
    return gate->late_count;
}
