/* The agent's next key over the uplink: asked when ready, once at a time; answered by ROTATED or a NACK of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uplink.h"
#include "wire.pb-c.h"

struct session {
    struct uplink *uplink;
    struct buffer out;
    struct fault fault;
};

static bool seek(void *context, enum lane lane, uint64_t batch_seq, uint64_t event_seq, struct fault *fault) {
    (void)context, (void)lane, (void)batch_seq, (void)event_seq, (void)fault;
    return true;
}
static bool next(void *context, enum lane lane, struct uplink_item *ret_item) {
    (void)context, (void)lane, (void)ret_item;
    return false;
}
static void acknowledge(void *context, enum lane lane, uint64_t stored, uint64_t attested, uint64_t closed) {
    (void)context, (void)lane, (void)stored, (void)attested, (void)closed;
}
static void close_now(void *context, enum lane lane) {
    (void)context, (void)lane;
}

static bool checkpoint(void *context, const struct checkpoint_message *message, struct fault *fault) {
    (void)context, (void)message, (void)fault;
    return true;
}

static void witnesses(void *context, struct slice policy) {
    (void)context, (void)policy;
}

static bool receive(struct session *s, enum frame_type type, const ProtobufCMessage *message) {
    uint8_t bytes[1024];
    size_t size = protobuf_c_message_pack(message, bytes + FRAME_HEAD);
    frame_head(bytes, type, size);
    s->fault = (struct fault){0};
    return uplink_receive(s->uplink, slice_make(bytes, FRAME_HEAD + size), 1, &s->out, &s->fault);
}

static void open(struct session *s) {
    const struct uplink_stream streams[LANES] = {0};
    const uint8_t boot_id[16] = {0};
    uplink_open(s->uplink, streams, boot_id, (struct slice){NULL, 0}, 1, &s->out);
    buffer_clear(&s->out);
}

static void welcome(struct session *s) {
    Tocsin__StreamWelcome streams[LANES];
    Tocsin__StreamWelcome *pointers[LANES];
    for (unsigned lane = 0; lane < LANES; lane++) {
        tocsin__stream_welcome__init(&streams[lane]);
        streams[lane].lane = lane;
        pointers[lane] = &streams[lane];
    }
    Tocsin__Welcome message;
    tocsin__welcome__init(&message);
    message.version = UPLINK_VERSION;
    message.n_streams = LANES;
    message.streams = pointers;
    assert_true(receive(s, FRAME_WELCOME, &message.base));
}

static bool rotated(struct session *s, uint32_t epoch) {
    Tocsin__Rotated message;
    tocsin__rotated__init(&message);
    message.epoch = epoch;
    return receive(s, FRAME_ROTATED, &message.base);
}

static bool nack(struct session *s, Tocsin__Refusal code) {
    char text[] = "no";
    Tocsin__Nack message;
    tocsin__nack__init(&message);
    message.code = code;
    message.text = text;
    return receive(s, FRAME_NACK, &message.base);
}

static const uint8_t public_key[32] = {1, 2, 3};

static void ask(struct session *s, uint32_t epoch) {
    const struct uplink_next_key key = {epoch, public_key, SLICE("statement")};
    uplink_rotate(s->uplink, &key, &s->out);
}

static int make(void **state) {
    static struct session s;
    const struct uplink_supply supply = {&s, seek, next, acknowledge, close_now, checkpoint, witnesses};
    s = (struct session){.uplink = uplink_create(&supply), .out = BUFFER(65536)};
    open(&s);
    *state = &s;
    return 0;
}

static int drop(void **state) {
    struct session *s = *state;
    uplink_destroy(s->uplink);
    buffer_free(&s->out);
    return 0;
}

static void a_key_is_told_when_the_session_is_ready_and_once(void **state) {
    struct session *s = *state;
    ask(s, 5);
    assert_int_equal(s->out.size, 0);
    assert_int_equal(uplink_rotation(s->uplink), UPLINK_ROTATION_NONE);
    welcome(s);
    ask(s, 5);
    assert_int_equal(uplink_rotation(s->uplink), UPLINK_ROTATION_ASKED);
    assert_int_equal(s->out.data[4], FRAME_ROTATE);
    Tocsin__Rotate *told = tocsin__rotate__unpack(NULL, s->out.size - FRAME_HEAD, s->out.data + FRAME_HEAD);
    assert_non_null(told);
    assert_int_equal(told->epoch, 5);
    assert_int_equal(told->public_key.len, 32);
    assert_memory_equal(told->public_key.data, public_key, 32);
    assert_true(slice_equal(slice_make(told->statement.data, told->statement.len), SLICE("statement")));
    tocsin__rotate__free_unpacked(told, NULL);
    size_t size = s->out.size;
    ask(s, 5);
    assert_int_equal(s->out.size, size);
}

static void the_answer_is_for_what_was_asked(void **state) {
    struct session *s = *state;
    welcome(s);
    assert_true(rotated(s, 9)); /* nobody asked: nothing comes of it */
    assert_int_equal(uplink_rotation(s->uplink), UPLINK_ROTATION_NONE);
    ask(s, 5);
    assert_false(rotated(s, 4));
    assert_int_equal(s->fault.code, FAULT_FORMAT);
    assert_int_equal(uplink_rotation(s->uplink), UPLINK_ROTATION_ASKED);
}

static void one_rotation_follows_another_over_the_same_connection(void **state) {
    struct session *s = *state;
    welcome(s);
    for (uint32_t epoch = 1; epoch < 4; epoch++) {
        ask(s, epoch);
        assert_true(rotated(s, epoch));
        assert_int_equal(uplink_rotation(s->uplink), UPLINK_ROTATION_TAKEN);
        assert_true(rotated(s, epoch)); /* again, because it was asked again over an earlier connection */
    }
}

static void a_refusal_is_told_apart_from_others(void **state) {
    struct session *s = *state;
    welcome(s);
    ask(s, 5);
    assert_false(nack(s, TOCSIN__REFUSAL__BUSY));
    assert_int_equal(uplink_rotation(s->uplink), UPLINK_ROTATION_ASKED);
    open(s);
    assert_int_equal(uplink_rotation(s->uplink), UPLINK_ROTATION_NONE);
    welcome(s);
    ask(s, 5);
    assert_false(nack(s, TOCSIN__REFUSAL__ROTATION));
    assert_int_equal(s->fault.code, FAULT_AUTH);
    assert_int_equal(uplink_rotation(s->uplink), UPLINK_ROTATION_REFUSED);
    assert_false(uplink_refused_for_good(s->uplink)); /* events go on with the key in force */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_told_when_the_session_is_ready_and_once),
        TEST(the_answer_is_for_what_was_asked),
        TEST(one_rotation_follows_another_over_the_same_connection),
        TEST(a_refusal_is_told_apart_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
