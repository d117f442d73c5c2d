/* The agent's side of a session, against a collector played by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bytes.h"
#include "uplink.h"
#include "wire.pb-c.h"

#define ROOM (1024u * 1024)
#define START_US 1000000000ull

/* A spool that gives `ready` items a lane, each of `size` bytes and ten events. */
struct spool {
    struct uplink *uplink;
    struct buffer out;
    uint64_t now_us;
    struct fault fault;
    size_t ready[LANES], size;
    enum uplink_item_kind kind;
    uint64_t given[LANES];
    uint64_t sought_batch[LANES], sought_seq[LANES], seeks;
    bool refuse_seek;
    uint64_t stored[LANES], attested[LANES], closed[LANES];
    unsigned close_now[LANES], checkpoints, inclusions;
    uint64_t from_size;
    enum fault_code refuse_checkpoint;
    char policy[16];
    uint8_t bytes[200000];
};

static bool seek(void *context, enum lane lane, uint64_t batch_seq, uint64_t event_seq, struct fault *fault) {
    struct spool *spool = context;
    spool->sought_batch[lane] = batch_seq;
    spool->sought_seq[lane] = event_seq;
    spool->seeks++;
    return !spool->refuse_seek || fault_set(fault, FAULT_CONFLICT, "refused");
}

static bool next(void *context, enum lane lane, struct uplink_item *ret_item) {
    struct spool *spool = context;
    if (spool->ready[lane] == 0)
        return false;
    spool->ready[lane]--;
    spool->given[lane] += 10;
    *ret_item = (struct uplink_item){.kind = spool->kind,
                                     .batch_seq = 0,
                                     .end_event_seq = spool->given[lane],
                                     .message = slice_make(spool->bytes, spool->size),
                                     .class_list = SLICE("\0")};
    return true;
}

static void acknowledge(void *context, enum lane lane, uint64_t stored, uint64_t attested, uint64_t closed) {
    struct spool *spool = context;
    spool->stored[lane] = stored;
    spool->attested[lane] = attested;
    spool->closed[lane] = closed;
}

static void close_now(void *context, enum lane lane) {
    ((struct spool *)context)->close_now[lane]++;
}

static bool checkpoint(void *context, const struct checkpoint_message *message, struct fault *fault) {
    struct spool *spool = context;
    struct checkpoint_inclusion inclusion;
    struct slice rest = message->inclusions;
    assert_true(slice_equal(message->note, SLICE("a note")));
    while (checkpoint_message_next(&rest, &inclusion))
        spool->inclusions++;
    spool->checkpoints++;
    spool->from_size = message->from_size;
    return !spool->refuse_checkpoint || fault_set(fault, spool->refuse_checkpoint, "the log was forked");
}

static void witnesses(void *context, struct slice policy) {
    struct spool *spool = context;
    snprintf(spool->policy, sizeof spool->policy, "%.*s", SLICE_ARG(policy));
}

static void open_session(struct spool *spool) {
    struct uplink_stream streams[LANES] = {{.batch_seq = 3, .next_event_seq = 30, .proved = 2},
                                           {.batch_seq = 4, .has_part = true}};
    static const uint8_t boot_id[16] = {9};
    memset(streams[0].stream_id, 1, 32);
    memset(streams[1].stream_id, 2, 32);
    memset(streams[0].last_entry_hash, 3, 32);
    memset(streams[1].newest_part, 4, 224);
    buffer_clear(&spool->out);
    uplink_open(spool->uplink, streams, boot_id, SLICE("my newest note"), spool->now_us, &spool->out);
}

static int set_up(void **state) {
    struct spool *spool = calloc(1, sizeof *spool);
    struct uplink_supply supply = {spool, seek, next, acknowledge, close_now, checkpoint, witnesses};
    spool->out = BUFFER(16 * ROOM);
    spool->now_us = START_US;
    spool->size = 100;
    spool->uplink = uplink_create(&supply);
    open_session(spool);
    *state = spool;
    return 0;
}

static int tear_down(void **state) {
    struct spool *spool = *state;
    uplink_destroy(spool->uplink);
    buffer_free(&spool->out);
    free(spool);
    return 0;
}

static bool receive(struct spool *spool, enum frame_type type, const ProtobufCMessage *message) {
    uint8_t memory[4096];
    CLEANUP_BUFFER struct buffer frame = BUFFER(8192);
    size_t size = protobuf_c_message_pack(message, memory);
    assert_true(frame_write(&frame, type, slice_make(memory, size)));
    spool->fault = (struct fault){0};
    return uplink_receive(spool->uplink, buffer_slice(&frame), spool->now_us, &spool->out, &spool->fault);
}

/* Both lanes at batch 2, event 20; the security lane has an entry up to event 15, the bulk lane a part up to 17. */
static bool welcome_of(struct spool *spool, uint64_t credit, uint32_t version, unsigned lane_of_second) {
    Tocsin__StreamWelcome streams[LANES];
    Tocsin__StreamWelcome *pointers[LANES] = {&streams[0], &streams[1]};
    uint8_t entry[416] = {0}, part[224] = {0};
    bytes_put_u64(entry + 64, 10);
    bytes_put_u32(entry + 72, 5);
    bytes_put_u64(part + 64, 12);
    bytes_put_u32(part + 72, 5);
    for (unsigned lane = 0; lane < LANES; lane++) {
        tocsin__stream_welcome__init(&streams[lane]);
        streams[lane].lane = lane ? lane_of_second : 0;
        streams[lane].batch_seq = 2;
        streams[lane].stored = 20;
        streams[lane].last_entry = (ProtobufCBinaryData){sizeof entry, entry};
    }
    streams[1].newest_part = (ProtobufCBinaryData){sizeof part, part};
    char host[] = "signer1";
    Tocsin__Welcome welcome;
    tocsin__welcome__init(&welcome);
    welcome.version = version;
    welcome.host = host;
    welcome.n_streams = LANES;
    welcome.streams = pointers;
    welcome.credit = credit;
    welcome.pace_ms = 250;
    return receive(spool, FRAME_WELCOME, &welcome.base);
}

static void welcome(struct spool *spool, uint64_t credit) {
    assert_true(welcome_of(spool, credit, UPLINK_VERSION, 1));
    buffer_clear(&spool->out);
}

static bool acknowledged(struct spool *spool, uint64_t security, uint64_t bulk) {
    Tocsin__StreamAck streams[LANES];
    Tocsin__StreamAck *pointers[LANES] = {&streams[0], &streams[1]};
    for (unsigned lane = 0; lane < LANES; lane++) {
        tocsin__stream_ack__init(&streams[lane]);
        streams[lane].lane = lane;
        streams[lane].stored = lane ? bulk : security;
        streams[lane].attested = 7;
        streams[lane].closed = 1;
    }
    Tocsin__Ack ack;
    tocsin__ack__init(&ack);
    ack.n_streams = LANES;
    ack.streams = pointers;
    return receive(spool, FRAME_ACK, &ack.base);
}

/* What the pump has written: frames of a type, and of a lane where they name one. */
static size_t pumped(struct spool *spool, enum frame_type type) {
    buffer_clear(&spool->out);
    assert_true(uplink_pump(spool->uplink, 8 * ROOM, &spool->out, &spool->fault));
    struct frame_reader reader;
    struct frame frame;
    size_t count = 0;
    frame_reader_open(&reader, FRAME_HELLO, FRAME_ROTATED);
    frame_reader_feed(&reader, buffer_slice(&spool->out));
    while (frame_reader_next(&reader, &frame, NULL))
        count += frame.type == type;
    frame_reader_close(&reader);
    return count;
}

static void a_session_begins_with_a_hello_that_says_where_the_spool_stands(void **state) {
    struct spool *spool = *state;
    assert_int_equal(spool->out.data[4], FRAME_HELLO);
    Tocsin__Hello *hello =
        tocsin__hello__unpack(NULL, spool->out.size - FRAME_HEAD, spool->out.data + FRAME_HEAD);
    assert_non_null(hello);
    assert_int_equal(hello->version, UPLINK_VERSION);
    assert_int_equal(hello->n_streams, LANES);
    assert_int_equal(hello->streams[0]->batch_seq, 3);
    assert_int_equal(hello->streams[0]->next_event_seq, 30);
    assert_int_equal(hello->streams[0]->last_entry_hash.len, 32);
    assert_int_equal(hello->streams[0]->newest_part.len, 0);
    assert_int_equal(hello->streams[1]->lane, 1);
    assert_int_equal(hello->streams[1]->last_entry_hash.len, 0);
    assert_int_equal(hello->streams[1]->newest_part.len, 224);
    assert_int_equal(hello->boot_id.data[0], 9);
    tocsin__hello__free_unpacked(hello, NULL);
}

static void nothing_is_sent_before_the_welcome(void **state) {
    struct spool *spool = *state;
    spool->ready[0] = spool->ready[1] = 5;
    assert_int_equal(pumped(spool, FRAME_EVENTS), 0);
    assert_false(uplink_ready(spool->uplink));
    spool->now_us += UPLINK_PING_US;
    buffer_clear(&spool->out);
    assert_true(uplink_tick(spool->uplink, spool->now_us, &spool->out, &spool->fault));
    assert_int_equal(spool->out.size, 0);
}

static void the_welcome_puts_the_spool_at_the_collectors_marks(void **state) {
    struct spool *spool = *state;
    welcome(spool, ROOM);
    assert_true(uplink_ready(spool->uplink));
    assert_string_equal(uplink_host(spool->uplink), "signer1");
    assert_int_equal(uplink_pace_us(spool->uplink), 250000);
    for (unsigned lane = 0; lane < LANES; lane++) {
        assert_int_equal(spool->sought_batch[lane], 2);
        assert_int_equal(spool->sought_seq[lane], 20);
        assert_int_equal(spool->stored[lane], 20);
        assert_int_equal(spool->closed[lane], 2);
    }
    /* What is stored is not yet signed. */
    assert_int_equal(spool->attested[0], 15);
    assert_int_equal(spool->attested[1], 17);
}

static void a_welcome_of_another_version_or_shape_ends_the_session(void **state) {
    struct spool *spool = *state;
    assert_false(welcome_of(spool, ROOM, UPLINK_VERSION + 1, 1));
    open_session(spool);
    assert_false(welcome_of(spool, ROOM, UPLINK_VERSION, 0));
    open_session(spool);
    spool->refuse_seek = true;
    assert_false(welcome_of(spool, ROOM, UPLINK_VERSION, 1));
    assert_int_equal(spool->fault.code, FAULT_CONFLICT);
    assert_false(uplink_ready(spool->uplink));
    open_session(spool);
    spool->refuse_seek = false;
    welcome(spool, ROOM);
    assert_false(welcome_of(spool, ROOM, UPLINK_VERSION, 1)); /* a second one */
}

static void security_goes_before_bulk(void **state) {
    struct spool *spool = *state;
    welcome(spool, ROOM);
    spool->ready[LANE_BULK] = 3;
    spool->ready[LANE_SECURITY] = 2;
    spool->size = 1000;
    buffer_clear(&spool->out);
    assert_true(uplink_pump(spool->uplink, 2000, &spool->out, &spool->fault));
    assert_int_equal(spool->ready[LANE_SECURITY], 0);
    assert_in_range(spool->ready[LANE_BULK], 2, 3);
}

static void no_more_than_the_credit_is_under_way(void **state) {
    struct spool *spool = *state;
    welcome(spool, 1000);
    spool->ready[0] = 50;
    assert_int_equal(pumped(spool, FRAME_EVENTS), 10);
    assert_int_equal(uplink_flight_bytes(spool->uplink), 1000);
    assert_int_equal(pumped(spool, FRAME_EVENTS), 0);
    assert_true(acknowledged(spool, 35, 0)); /* three frames of ten events, and half of one */
    assert_int_equal(uplink_flight_bytes(spool->uplink), 700);
    assert_int_equal(pumped(spool, FRAME_EVENTS), 3);
    assert_true(acknowledged(spool, 130, 0));
    assert_int_equal(uplink_flight_bytes(spool->uplink), 0);
    assert_int_equal(spool->stored[0], 130);
    assert_int_equal(spool->attested[0], 7);
}

static void a_frame_larger_than_the_credit_still_goes_alone(void **state) {
    struct spool *spool = *state;
    welcome(spool, 10);
    spool->ready[0] = 2;
    assert_int_equal(pumped(spool, FRAME_EVENTS), 1);
    assert_int_equal(pumped(spool, FRAME_EVENTS), 0);
    assert_true(acknowledged(spool, 10, 0));
    assert_int_equal(pumped(spool, FRAME_EVENTS), 1);
}

static void a_credit_of_zero_pauses_and_another_goes_on(void **state) {
    struct spool *spool = *state;
    Tocsin__Credit credit = TOCSIN__CREDIT__INIT;
    welcome(spool, ROOM);
    assert_true(receive(spool, FRAME_CREDIT, &credit.base));
    spool->ready[0] = 2;
    assert_int_equal(pumped(spool, FRAME_EVENTS), 0);
    credit.credit = ROOM;
    assert_true(receive(spool, FRAME_CREDIT, &credit.base));
    assert_int_equal(pumped(spool, FRAME_EVENTS), 2);
}

static void the_number_of_frames_under_way_is_bounded(void **state) {
    struct spool *spool = *state;
    welcome(spool, 64 * ROOM);
    spool->ready[0] = 3 * UPLINK_FLIGHT_MOST;
    assert_int_equal(pumped(spool, FRAME_EVENTS), UPLINK_FLIGHT_MOST);
    for (unsigned turn = 1; turn <= 2 * UPLINK_FLIGHT_MOST / 8; turn++) { /* round the ring */
        assert_true(acknowledged(spool, turn * 80, 0));
        assert_int_equal(pumped(spool, FRAME_EVENTS), 8);
    }
    assert_int_equal(uplink_flight_bytes(spool->uplink), 100 * UPLINK_FLIGHT_MOST);
}

static void lanes_are_acknowledged_apart(void **state) {
    struct spool *spool = *state;
    welcome(spool, ROOM);
    spool->ready[0] = 4;
    spool->ready[1] = 4;
    assert_int_equal(pumped(spool, FRAME_EVENTS), 8);
    assert_true(acknowledged(spool, 0, 40));
    assert_int_equal(uplink_flight_bytes(spool->uplink), 400);
    assert_true(acknowledged(spool, 20, 40));
    assert_int_equal(uplink_flight_bytes(spool->uplink), 200);
}

static void parts_and_closes_need_no_credit(void **state) {
    struct spool *spool = *state;
    welcome(spool, 0);
    spool->ready[0] = 2;
    spool->kind = UPLINK_PART;
    spool->size = 224;
    assert_int_equal(pumped(spool, FRAME_PART), 2);
    spool->ready[0] = 2;
    spool->kind = UPLINK_CLOSE;
    spool->size = 416;
    assert_int_equal(pumped(spool, FRAME_CLOSE), 2);
}

static void pings_go_while_nothing_else_does_and_silence_ends_the_session(void **state) {
    struct spool *spool = *state;
    welcome(spool, ROOM);
    unsigned pings = 0;
    uint64_t begun = spool->now_us;
    struct fault fault = {0};
    for (;;) {
        buffer_clear(&spool->out);
        spool->now_us += 100000;
        if (!uplink_tick(spool->uplink, spool->now_us, &spool->out, &fault))
            break;
        pings += spool->out.size > 0;
        assert_true(spool->now_us < begun + 2 * UPLINK_SILENCE_US);
    }
    assert_int_equal(pings, UPLINK_SILENCE_US / UPLINK_PING_US);
    assert_int_equal(fault.code, FAULT_IO);
    assert_in_range(spool->now_us - begun, UPLINK_SILENCE_US, UPLINK_SILENCE_US + 200000);
}

static void an_answer_is_a_sign_of_life(void **state) {
    struct spool *spool = *state;
    Tocsin__Ping ping = TOCSIN__PING__INIT;
    welcome(spool, ROOM);
    for (unsigned i = 0; i < 10; i++) {
        spool->now_us += UPLINK_SILENCE_US - 1;
        assert_true(receive(spool, FRAME_PING, &ping.base));
        assert_true(uplink_tick(spool->uplink, spool->now_us, &spool->out, &spool->fault));
    }
}

static void a_refusal_ends_the_session_and_says_when_to_try_again(void **state) {
    static const struct {
        Tocsin__Refusal code;
        bool for_good;
    } refusals[] = {
        {TOCSIN__REFUSAL__MALFORMED, false},    {TOCSIN__REFUSAL__VERSION, true},
        {TOCSIN__REFUSAL__UNKNOWN_AGENT, true}, {TOCSIN__REFUSAL__SIGNATURE, true},
        {TOCSIN__REFUSAL__FORK, true},          {TOCSIN__REFUSAL__STREAM, true},
        {TOCSIN__REFUSAL__FULL, false},         {TOCSIN__REFUSAL__BUSY, false},
        {TOCSIN__REFUSAL__REPLACED, false},     {(Tocsin__Refusal)4000, false},
    };
    struct spool *spool = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        open_session(spool);
        if (i % 2)
            welcome(spool, ROOM);
        char text[] = "because";
        Tocsin__Nack nack;
        tocsin__nack__init(&nack);
        nack.code = refusals[i].code;
        nack.text = text;
        nack.retry_after_ms = 1500;
        assert_false(receive(spool, FRAME_NACK, &nack.base));
        assert_non_null(strstr(spool->fault.text, "because"));
        assert_int_equal(uplink_retry_us(spool->uplink), 1500000);
        assert_int_equal(uplink_refused_for_good(spool->uplink), refusals[i].for_good);
    }
    open_session(spool);
    assert_int_equal(uplink_retry_us(spool->uplink), 0);
    assert_false(uplink_refused_for_good(spool->uplink));
}

static void what_a_collector_does_not_send_ends_the_session(void **state) {
    struct spool *spool = *state;
    Tocsin__Ping ping = TOCSIN__PING__INIT;
    static const enum frame_type never[] = {FRAME_HELLO, FRAME_EVENTS, FRAME_PART,  FRAME_CLOSE,
                                            FRAME_JOIN,  FRAME_JOINED, FRAME_RENEW, FRAME_ROTATE};
    assert_false(receive(spool, FRAME_ACK, &ping.base)); /* before the WELCOME */
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        open_session(spool);
        welcome(spool, ROOM);
        assert_false(receive(spool, never[i], &ping.base));
        assert_int_equal(spool->fault.code, FAULT_FORMAT);
    }
}

static void messages_that_cannot_be_read_end_the_session(void **state) {
    struct spool *spool = *state;
    static const enum frame_type types[] = {FRAME_WELCOME, FRAME_ACK,       FRAME_NACK,
                                            FRAME_CREDIT,  FRAME_CLOSE_NOW, FRAME_ROTATED};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        CLEANUP_BUFFER struct buffer frame = BUFFER(100);
        struct fault fault = {0};
        open_session(spool);
        if (types[i] != FRAME_WELCOME)
            welcome(spool, ROOM);
        assert_true(frame_write(&frame, types[i], SLICE("\x0a\xff\xff")));
        assert_false(uplink_receive(spool->uplink, buffer_slice(&frame), spool->now_us, &spool->out, &fault));
        assert_int_equal(fault.code, FAULT_FORMAT);
    }
}

static void marks_of_a_lane_that_does_not_exist_are_passed_over(void **state) {
    struct spool *spool = *state;
    Tocsin__StreamAck stream = TOCSIN__STREAM_ACK__INIT;
    Tocsin__StreamAck *pointer = &stream;
    Tocsin__Ack ack = TOCSIN__ACK__INIT;
    Tocsin__CloseNow wanted = TOCSIN__CLOSE_NOW__INIT;
    welcome(spool, ROOM);
    stream.lane = 0xffffffff;
    ack.n_streams = 1;
    ack.streams = &pointer;
    assert_true(receive(spool, FRAME_ACK, &ack.base));
    wanted.lane = LANES;
    assert_true(receive(spool, FRAME_CLOSE_NOW, &wanted.base));
    wanted.lane = LANE_BULK;
    assert_true(receive(spool, FRAME_CLOSE_NOW, &wanted.base));
    assert_int_equal(spool->close_now[LANE_SECURITY], 0);
    assert_int_equal(spool->close_now[LANE_BULK], 1);
}

static void a_new_session_forgets_the_last_one(void **state) {
    struct spool *spool = *state;
    welcome(spool, 1000);
    spool->ready[0] = 11; /* ten go, one waits for credit */
    assert_int_equal(pumped(spool, FRAME_EVENTS), 10);
    uint8_t half[] = {0, 0, 0, 50, FRAME_ACK, 1, 2, 3};
    assert_true(uplink_receive(spool->uplink, slice_make(half, sizeof half), spool->now_us, &spool->out,
                               &spool->fault));
    open_session(spool);
    assert_int_equal(uplink_flight_bytes(spool->uplink), 0);
    welcome(spool, 1000);
    spool->ready[0] = 3; /* the spool was put back: what waited is not given twice */
    assert_int_equal(pumped(spool, FRAME_EVENTS), 3);
}

/* ---- checkpoints */

static bool receive_checkpoint(struct spool *spool, uint64_t from_size, size_t inclusions) {
    CLEANUP_BUFFER struct buffer message = BUFFER(FRAME_CHECKPOINT_MOST), frame = BUFFER(FRAME_CHECKPOINT_MOST + 16);
    assert_true(checkpoint_message_write(&message, SLICE("a note"), from_size, slice_make(spool->bytes, 64)));
    for (size_t i = 0; i < inclusions; i++)
        assert_true(checkpoint_message_add(&message, &(struct checkpoint_inclusion){LANE_BULK, i, 2 * i, {NULL, 0}}));
    assert_true(frame_write(&frame, FRAME_CHECKPOINT, buffer_slice(&message)));
    buffer_clear(&spool->out);
    spool->fault = (struct fault){0};
    return uplink_receive(spool->uplink, buffer_slice(&frame), spool->now_us, &spool->out, &spool->fault);
}

static void the_hello_shows_the_newest_note_and_what_is_still_to_be_proved(void **state) {
    struct spool *spool = *state;
    Tocsin__Hello *hello =
        tocsin__hello__unpack(NULL, spool->out.size - FRAME_HEAD, spool->out.data + FRAME_HEAD);
    assert_true(slice_equal(slice_make(hello->newest_note.data, hello->newest_note.len), SLICE("my newest note")));
    assert_int_equal(hello->streams[0]->proved, 2);
    assert_int_equal(hello->streams[1]->proved, 0);
    tocsin__hello__free_unpacked(hello, NULL);
}

static void a_checkpoint_goes_to_whoever_verifies_it(void **state) {
    struct spool *spool = *state;
    assert_false(receive_checkpoint(spool, 0, 1)); /* before the WELCOME */
    open_session(spool);
    welcome(spool, ROOM);
    assert_true(receive_checkpoint(spool, 77, CHECKPOINT_INCLUSIONS_MOST));
    assert_int_equal(spool->checkpoints, 1);
    assert_int_equal(spool->inclusions, CHECKPOINT_INCLUSIONS_MOST);
    assert_int_equal(spool->from_size, 77);
    assert_int_equal(spool->out.size, 0);
}

static void a_log_that_contradicts_itself_is_told_so_and_the_session_ends(void **state) {
    struct spool *spool = *state;
    welcome(spool, ROOM);
    spool->refuse_checkpoint = FAULT_CONFLICT;
    assert_false(receive_checkpoint(spool, 1, 0));
    assert_int_equal(spool->fault.code, FAULT_CONFLICT);
    assert_int_equal(spool->out.data[4], FRAME_NACK);
    Tocsin__Nack *nack = tocsin__nack__unpack(NULL, spool->out.size - FRAME_HEAD, spool->out.data + FRAME_HEAD);
    assert_non_null(nack);
    assert_int_equal(nack->code, TOCSIN__REFUSAL__LOG);
    assert_string_equal(nack->text, "the log was forked");
    tocsin__nack__free_unpacked(nack, NULL);
    /* What says nothing against the log is told to nobody. */
    open_session(spool);
    welcome(spool, ROOM);
    spool->refuse_checkpoint = FAULT_FORMAT;
    assert_false(receive_checkpoint(spool, 1, 0));
    assert_int_equal(spool->out.size, 0);
}

static void a_checkpoint_out_of_its_bounds_ends_the_session(void **state) {
    struct spool *spool = *state;
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {
        {"", 0},                                             /* no note */
        {"\x0a\x00", 2},                                     /* an empty one */
        {"\x0a\x01n\x1a\x03zzz", 8},                         /* a path that is no hashes */
        {"\x0a\x01n\x22\x02\x08\x02", 7},                    /* a lane that does not exist */
        {"\x0a\x01n\x22\x03\x22\x01z", 8},                   /* an inclusion's path that is no hashes */
        {"\x0a\x01n\x22\x05\x08", 6},                        /* longer than there is */
        {"\x0a\x01n\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 14}, /* a size over 64 bits */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CLEANUP_BUFFER struct buffer frame = BUFFER(1024);
        open_session(spool);
        welcome(spool, ROOM);
        assert_true(frame_write(&frame, FRAME_CHECKPOINT, slice_make(bad[i].bytes, bad[i].size)));
        assert_false(uplink_receive(spool->uplink, buffer_slice(&frame), spool->now_us, &spool->out, &spool->fault));
    }
    CLEANUP_BUFFER struct buffer many = BUFFER(4096), frame = BUFFER(8192);
    buffer_append(&many, "\x0a\x01n", 3);
    for (unsigned i = 0; i <= CHECKPOINT_INCLUSIONS_MOST; i++)
        buffer_append(&many, "\x22\x00", 2);
    open_session(spool);
    welcome(spool, ROOM);
    assert_true(frame_write(&frame, FRAME_CHECKPOINT, buffer_slice(&many)));
    assert_false(uplink_receive(spool->uplink, buffer_slice(&frame), spool->now_us, &spool->out, &spool->fault));
    assert_int_equal(spool->checkpoints, 0);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_session_begins_with_a_hello_that_says_where_the_spool_stands),
        CASE(nothing_is_sent_before_the_welcome),
        CASE(the_welcome_puts_the_spool_at_the_collectors_marks),
        CASE(a_welcome_of_another_version_or_shape_ends_the_session),
        CASE(security_goes_before_bulk),
        CASE(no_more_than_the_credit_is_under_way),
        CASE(a_frame_larger_than_the_credit_still_goes_alone),
        CASE(a_credit_of_zero_pauses_and_another_goes_on),
        CASE(the_number_of_frames_under_way_is_bounded),
        CASE(lanes_are_acknowledged_apart),
        CASE(parts_and_closes_need_no_credit),
        CASE(pings_go_while_nothing_else_does_and_silence_ends_the_session),
        CASE(an_answer_is_a_sign_of_life),
        CASE(a_refusal_ends_the_session_and_says_when_to_try_again),
        CASE(what_a_collector_does_not_send_ends_the_session),
        CASE(messages_that_cannot_be_read_end_the_session),
        CASE(marks_of_a_lane_that_does_not_exist_are_passed_over),
        CASE(a_new_session_forgets_the_last_one),
        CASE(the_hello_shows_the_newest_note_and_what_is_still_to_be_proved),
        CASE(a_checkpoint_goes_to_whoever_verifies_it),
        CASE(a_log_that_contradicts_itself_is_told_so_and_the_session_ends),
        CASE(a_checkpoint_out_of_its_bounds_ends_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
