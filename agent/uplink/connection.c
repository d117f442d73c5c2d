#include "connection.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "memory.h"

#define WAIT_LEAST_US 200000u
#define WAIT_MOST_US 30000000u
#define TICK_US 1000000u
#define OUTPUT_ROOM (1024u * 1024) /* bytes that wait in the channel before the spool is read further */
#define OUTPUT_MOST (8u * 1024 * 1024)
#define STATEMENT_MOST 4096u

/* One lane's place in the spool, and the item that the uplink holds: copied, since the spool goes on. */
struct lane_supply {
    struct lanes_cursor *cursor;
    struct buffer item, class_list;
    bool close_wanted;
};

struct connection {
    struct connection_settings settings;
    struct uplink *uplink;
    struct channel *channel;
    struct loop_timer *retry, *tick;
    struct loop_later *pump;
    struct buffer out;
    struct lane_supply supplies[LANES];
    bool greeted; /* HELLO is out: until then the uplink's state is that of the last connection */
    uint64_t wait_us;
    uint32_t next_epoch; /* of the key that is to be told; 0 for none */
    uint8_t next_key[32];
    struct buffer next_statement;
    enum uplink_rotation answer;
    char state[FAULT_LINE_SIZE + 320];
};

/* ---- the spool as a supply */

static bool supply_seek(void *context, enum lane lane, uint64_t batch_seq, uint64_t event_seq,
                        struct fault *fault) {
    struct connection *connection = context;
    struct lane_supply *supply = &connection->supplies[lane];
    struct fault local = {0};
    if (!lanes_greeted(connection->settings.lanes, connection->settings.collector, lane, event_seq, batch_seq, &local)) {
        watching_refuse(connection->settings.watching, "rollback", local.text, (struct slice){NULL, 0});
        return fault_set(fault, local.code, "%s", local.text);
    }
    if (lanes_cursor_seek(supply->cursor, batch_seq, event_seq, &local))
        return true;
    if (local.code != FAULT_MISSING)
        return fault_set(fault, local.code, "%s", local.text);
    /* Older than what the spool still has: what is missing is told by gap events; go on with what there is. */
    log_fault(LOG_LEVEL_WARNING, &local, "lane %d", (int)lane);
    lanes_cursor_destroy(supply->cursor);
    supply->cursor = lanes_cursor_create(connection->settings.lanes, lane);
    return true;
}

static bool supply_next(void *context, enum lane lane, struct uplink_item *ret_item) {
    static const enum uplink_item_kind kinds[] = {
        [LANES_EVENTS] = UPLINK_EVENTS, [LANES_PART] = UPLINK_PART, [LANES_CLOSE] = UPLINK_CLOSE};
    struct connection *connection = context;
    struct lane_supply *supply = &connection->supplies[lane];
    struct lanes_item item;
    struct fault fault = {0};
    enum lanes_found found = lanes_cursor_next(supply->cursor, &item, &fault);
    if (found == LANES_FAILED)
        log_fault(LOG_LEVEL_ERROR, &fault, "reading the spool");
    if (found != LANES_ITEM)
        return false;
    buffer_clear(&supply->item);
    buffer_clear(&supply->class_list);
    buffer_append_slice(&supply->item, item.bytes);
    buffer_append_slice(&supply->class_list, item.class_list);
    *ret_item = (struct uplink_item){kinds[item.kind], item.batch_seq, item.first_event_seq + item.count,
                                     buffer_slice(&supply->item), buffer_slice(&supply->class_list)};
    return true;
}

static void supply_acknowledge(void *context, enum lane lane, uint64_t stored, uint64_t attested,
                               uint64_t closed) {
    struct connection *connection = context;
    lanes_acknowledge(connection->settings.lanes, connection->settings.collector, lane, stored, attested, closed);
}

static void supply_close_now(void *context, enum lane lane) {
    ((struct connection *)context)->supplies[lane].close_wanted = true;
}

static bool supply_checkpoint(void *context, const struct checkpoint_message *message, struct fault *fault) {
    return watching_take(((struct connection *)context)->settings.watching, message, clock_wall_us(), fault);
}

static void supply_witnesses(void *context, struct slice policy) {
    watching_take_policy(((struct connection *)context)->settings.watching, policy);
}

/* ---- one connection after another */

static void connect_now(void *context);

static bool is_ready(const struct connection *connection) {
    return connection->channel && connection->greeted && uplink_ready(connection->uplink);
}

/* Different on every machine and at every time, which is all that is wanted of it. */
static uint64_t jitter(uint64_t wait_us) {
    return wait_us / 2 + clock_monotonic_us() % (wait_us / 2 + 1);
}

static void lose(struct connection *connection, const struct fault *fault) {
    char line[FAULT_LINE_SIZE];
    bool was_ready = connection->greeted && uplink_ready(connection->uplink);
    uint64_t wait_us = connection->greeted ? uplink_retry_us(connection->uplink) : 0;
    bool for_good = connection->greeted && uplink_refused_for_good(connection->uplink);
    channel_close(connection->channel);
    connection->channel = NULL;
    connection->greeted = false;
    buffer_clear(&connection->out); /* whatever was meant for that connection */
    if (was_ready)
        connection->wait_us = WAIT_LEAST_US;
    if (!wait_us) {
        wait_us = jitter(connection->wait_us);
        connection->wait_us = connection->wait_us * 2 > WAIT_MOST_US ? WAIT_MOST_US : connection->wait_us * 2;
    }
    snprintf(connection->state, sizeof connection->state, "not connected to %s: %s",
             connection->settings.address,
             fault ? fault_line(fault, line) : "the collector ended the connection");
    log_write(for_good ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s; nothing is lost, trying again",
              connection->state);
    loop_timer_stop(connection->tick);
    loop_timer_after(connection->retry, wait_us);
}

/* What the collector is told before the connection ends. */
static void say_last_words(struct connection *connection) {
    if (!connection->channel || !connection->out.size ||
        !channel_write(connection->channel, buffer_slice(&connection->out)))
        return;
    channel_finish(connection->channel);
    connection->channel = NULL;
}

static bool flush_out(struct connection *connection) {
    bool good =
        connection->out.size == 0 || channel_write(connection->channel, buffer_slice(&connection->out));
    if (connection->out.capacity > 2 * OUTPUT_ROOM)
        buffer_free(&connection->out);
    else
        buffer_clear(&connection->out);
    return good;
}

static void tell_next_key(struct connection *connection) {
    const struct uplink_next_key next = {connection->next_epoch, connection->next_key,
                                         buffer_slice(&connection->next_statement)};
    if (connection->next_epoch && is_ready(connection)) {
        uplink_rotate(connection->uplink, &next, &connection->out);
        flush_out(connection);
    }
}

/* Takes note of an answer about the next key. */
static void look_for_answer(struct connection *connection) {
    enum uplink_rotation answer = uplink_rotation(connection->uplink);
    if (!connection->next_epoch || (answer != UPLINK_ROTATION_TAKEN && answer != UPLINK_ROTATION_REFUSED))
        return;
    connection->next_epoch = 0;
    connection->answer = answer;
    connection->settings.answered(connection->settings.context);
}

static void pump(void *context) {
    struct connection *connection = context;
    struct fault fault = {0};
    if (!is_ready(connection))
        return;
    while (channel_pending_bytes(connection->channel) < OUTPUT_ROOM) {
        if (!uplink_pump(connection->uplink, OUTPUT_ROOM / 4, &connection->out, &fault)) {
            lose(connection, &fault);
            return;
        }
        if (connection->out.size == 0)
            break;
        if (!flush_out(connection))
            break;
    }
}

static void on_open(void *context, struct channel *channel) {
    struct connection *connection = context;
    (void)channel;
    struct uplink_stream streams[LANES];
    uint64_t proved[LANES];
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct lanes_hello hello;
        lanes_hello(connection->settings.lanes, connection->settings.collector, (enum lane)lane, &hello);
        struct uplink_stream *stream = &streams[lane];
        *stream = (struct uplink_stream){
            .epoch = hello.epoch, .batch_seq = hello.batch_seq, .next_event_seq = hello.next_event_seq};
        memcpy(stream->stream_id, hello.stream_id, 32);
        memcpy(stream->last_entry_hash, hello.last_entry_hash, 32);
        stream->has_part = hello.has_part;
        stream->proved = proved[lane] = hello.proved;
        memcpy(stream->newest_part, hello.newest_part, sizeof stream->newest_part);
    }
    watching_session(connection->settings.watching, proved);
    uplink_open(connection->uplink, streams, connection->settings.boot_id,
                watching_note(connection->settings.watching), clock_monotonic_us(), &connection->out);
    connection->greeted = true;
    flush_out(connection);
    loop_timer_after(connection->tick, TICK_US);
}

static void on_bytes(void *context, struct channel *channel, struct slice bytes) {
    struct connection *connection = context;
    (void)channel;
    struct fault fault = {0};
    bool was_ready = uplink_ready(connection->uplink);
    bool good = uplink_receive(connection->uplink, bytes, clock_monotonic_us(), &connection->out, &fault);
    look_for_answer(connection);
    if (!good) {
        say_last_words(connection);
        lose(connection, &fault);
        return;
    }
    if (!was_ready && uplink_ready(connection->uplink)) {
        snprintf(connection->state, sizeof connection->state, "connected to %s as %s",
                 connection->settings.address, uplink_host(connection->uplink));
        log_notice("%s", connection->state);
        tell_next_key(connection);
    }
    loop_later_schedule(connection->pump);
}

static void on_drain(void *context, struct channel *channel) {
    (void)channel;
    loop_later_schedule(((struct connection *)context)->pump);
}

static void on_closed(void *context, struct channel *channel, const struct fault *fault) {
    struct connection *connection = context;
    (void)channel;
    connection->channel = NULL;
    lose(connection, fault);
}

static void connect_now(void *context) {
    struct connection *connection = context;
    static const struct channel_handlers handlers = {on_open, on_bytes, on_drain, on_closed};
    struct channel_settings settings = {.address = connection->settings.address,
                                        .identity = connection->settings.identity,
                                        .server_key = connection->settings.pin,
                                        .limits = {.output_most = OUTPUT_MOST}};
    struct fault fault = {0};
    connection->channel =
        channel_connect(connection->settings.loop, &settings, &handlers, connection, &fault);
    if (!connection->channel)
        lose(connection, &fault);
}

static void tick(void *context) {
    struct connection *connection = context;
    struct fault fault = {0};
    if (!connection->channel)
        return;
    struct lanes_report report;
    lanes_report(connection->settings.lanes, &report);
    uplink_set_lag(connection->uplink, connection->settings.lag(connection->settings.context),
                   report.spool_bytes);
    if (!uplink_tick(connection->uplink, clock_monotonic_us(), &connection->out, &fault)) {
        lose(connection, &fault);
        return;
    }
    flush_out(connection);
    loop_later_schedule(connection->pump);
    loop_timer_after(connection->tick, TICK_US);
}

struct connection *connection_start(const struct connection_settings *settings) {
    struct connection *connection = memory_new(sizeof *connection);
    connection->settings = *settings;
    connection->out = BUFFER(OUTPUT_MOST);
    connection->next_statement = BUFFER(STATEMENT_MOST);
    connection->wait_us = WAIT_LEAST_US;
    struct uplink_supply supply = {connection, supply_seek, supply_next, supply_acknowledge,
                                   supply_close_now, supply_checkpoint, supply_witnesses};
    connection->uplink = uplink_create(&supply);
    connection->retry = loop_timer_create(settings->loop, connect_now, connection);
    connection->tick = loop_timer_create(settings->loop, tick, connection);
    connection->pump = loop_later_create(settings->loop, pump, connection);
    for (unsigned lane = 0; lane < LANES; lane++) {
        connection->supplies[lane] =
            (struct lane_supply){.item = BUFFER(FRAME_EVENTS_MOST), .class_list = BUFFER(FRAME_CONTROL_MOST)};
        connection->supplies[lane].cursor = lanes_cursor_create(settings->lanes, (enum lane)lane);
    }
    snprintf(connection->state, sizeof connection->state, "connecting to %s", settings->address);
    loop_timer_after(connection->retry, 0);
    return connection;
}

struct connection *connection_stop(struct connection *connection) {
    if (!connection)
        return NULL;
    channel_close(connection->channel);
    loop_timer_destroy(connection->retry);
    loop_timer_destroy(connection->tick);
    loop_later_destroy(connection->pump);
    for (unsigned lane = 0; lane < LANES; lane++) {
        lanes_cursor_destroy(connection->supplies[lane].cursor);
        buffer_free(&connection->supplies[lane].item);
        buffer_free(&connection->supplies[lane].class_list);
    }
    uplink_destroy(connection->uplink);
    buffer_free(&connection->out);
    buffer_free(&connection->next_statement);
    free(connection);
    return NULL;
}

void connection_flushed(struct connection *connection) {
    pump(connection);
}

void connection_set_identity(struct connection *connection, const struct tls_identity *identity) {
    connection->settings.identity = identity;
}

void connection_rotate(struct connection *connection, const struct uplink_next_key *next) {
    connection->next_epoch = next->epoch;
    memcpy(connection->next_key, next->public_key, sizeof connection->next_key);
    buffer_clear(&connection->next_statement);
    buffer_append_slice(&connection->next_statement, next->statement);
    connection->answer = UPLINK_ROTATION_NONE;
    tell_next_key(connection);
}

enum uplink_rotation connection_rotation(struct connection *connection) {
    enum uplink_rotation answer = connection->answer;
    connection->answer = UPLINK_ROTATION_NONE;
    return answer;
}

uint64_t connection_pace_us(const struct connection *connection) {
    return is_ready(connection) ? uplink_pace_us(connection->uplink) : UINT64_MAX;
}

bool connection_wants_close(struct connection *connection, enum lane *ret_lane) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        if (!connection->supplies[lane].close_wanted)
            continue;
        connection->supplies[lane].close_wanted = false;
        *ret_lane = (enum lane)lane;
        return true;
    }
    return false;
}

bool connection_is_ready(const struct connection *connection) {
    return is_ready(connection);
}

const char *connection_describe(const struct connection *connection) {
    return connection->state;
}
