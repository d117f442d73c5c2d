#include "grpc_judge.h"

#include <inttypes.h>

#include "protobuf.h"

#define FRAME_HEAD 5u     /* whether it is compressed, and its length */
#define SERVICE_FIELD 1u  /* HealthCheckRequest.service */
#define STATUS_FIELD 1u   /* HealthCheckResponse.status */
#define STATUS_SERVING 1u /* its values, as they stand in serving_names */

static const char *const serving_names[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};

/* "Status codes and their use in gRPC", by number. */
static const char *const status_names[] = {
    "OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED",
};

static const char *name_of(const char *const *names, size_t count, uint64_t number) {
    return number < count ? names[number] : "no such value";
}
#define NAME_OF(names, number) name_of(names, sizeof(names) / sizeof *(names), number)

bool grpc_health_request(struct buffer *to, struct slice service) {
    uint8_t message[GRPC_REQUEST_MOST], *end = message;
    if (service.size > GRPC_SERVICE_MOST)
        return false;
    if (service.size)
        end = protobuf_put_block(message, SERVICE_FIELD, service);
    bytes_write_u8(to, 0);
    return bytes_write_block(to, slice_make(message, (size_t)(end - message)));
}

static void judge_type(const struct http_answer *answer, struct liveness_report *report) {
    struct slice type = SLICE("none");
    char plain[LIVENESS_PLAIN_SIZE];
    http_answer_header(answer, SLICE("content-type"), &type);
    liveness_check(report, CHECK_GRPC_CONTENT_TYPE, slice_starts(type, SLICE("application/grpc")), "%s",
                   liveness_plain(type, plain));
}

/* Whether the call was answered at all. */
static bool judge_status(const struct http_answer *answer, struct slice trailers,
                         struct liveness_report *report) {
    const struct http_answer behind = {.headers = trailers};
    struct slice text, message = SLICE("");
    uint64_t status;
    char plain[LIVENESS_PLAIN_SIZE];
    const struct http_answer *in =
        http_answer_header(&behind, SLICE("grpc-status"), &text) ? &behind : answer;
    if (!http_answer_header(in, SLICE("grpc-status"), &text))
        return liveness_check(report, CHECK_GRPC_STATUS, false, "no grpc-status");
    if (!slice_decimal(text, &status))
        return liveness_check(report, CHECK_GRPC_STATUS, false, "'%s', which is no number",
                              liveness_plain(text, plain));
    http_answer_header(in, SLICE("grpc-message"), &message);
    return liveness_check(report, CHECK_GRPC_STATUS, status == 0, "%" PRIu64 ", %s%s%s", status,
                          NAME_OF(status_names, status), message.size ? ": " : "",
                          liveness_plain(message, plain));
}

/* One message, not compressed: none was offered that we understood compression. */
static bool take_message(struct slice body, struct slice *ret_message, struct liveness_report *report) {
    struct bytes_reader reader = bytes_read(body);
    uint8_t compressed = bytes_read_u8(&reader);
    struct slice message = bytes_read_block(&reader);
    const char *wrong = body.size == 0           ? "nothing"
                        : body.size < FRAME_HEAD ? "less than a message's head"
                        : compressed             ? "a compressed message"
                        : reader.failed          ? "a message that is cut off"
                        : reader.rest.size       ? "more than one message"
                                                 : NULL;
    *ret_message = message;
    return liveness_check(report, CHECK_GRPC_MESSAGE, !wrong, "%s", wrong ? wrong : "one message");
}

static void judge_serving(struct slice message, struct liveness_report *report) {
    struct bytes_reader reader = bytes_read(message);
    struct protobuf_field field;
    uint64_t status = 0; /* proto3 leaves it out */
    bool typed = true;
    while (protobuf_next(&reader, &field))
        if (field.number == STATUS_FIELD) { /* the last one counts */
            typed = field.wire == PROTOBUF_VARINT;
            status = field.value;
        }
    if (reader.failed || !typed)
        liveness_check(report, CHECK_GRPC_MESSAGE, false, "no HealthCheckResponse");
    else
        liveness_check(report, CHECK_GRPC_SERVING, status == STATUS_SERVING, "%s",
                       NAME_OF(serving_names, status));
}

void grpc_judge(const struct http_answer *answer, struct slice body, struct slice trailers,
                struct liveness_report *report) {
    struct slice message;
    if (!liveness_check(report, CHECK_GRPC_HTTP_STATUS, answer->status == 200, "%u", answer->status))
        return;
    judge_type(answer, report);
    if (judge_status(answer, trailers, report) && take_message(body, &message, report))
        judge_serving(message, report);
}
