#include "ocsp_response.h"

#include "liveness_report.h"
#include "oids.h"

static struct slice take_extensions(struct der_reader *reader, uint8_t tag) {
    if (!der_is(reader, tag))
        return SLICE("");
    struct der_reader outer = der_enter(reader, tag);
    struct slice content = der_take(&outer, DER_SEQUENCE);
    struct der_reader extensions = der_read(content);
    struct extension extension;
    while (extension_next(&extensions, &extension)) {
    }
    if (!der_done(&outer) || !der_done(&extensions))
        reader->failed = true;
    return content;
}

static void read_status(struct der_reader *reader, struct ocsp_single *single) {
    single->status = OCSP_UNKNOWN;
    if (der_is(reader, DER_PRIMITIVE_0)) {
        reader->failed |= der_take(reader, DER_PRIMITIVE_0).size > 0;
        single->status = OCSP_GOOD;
    } else if (der_is(reader, DER_CONTEXT_0 + 1)) {
        struct der_reader info = der_enter(reader, DER_CONTEXT_0 + 1);
        single->status = OCSP_REVOKED;
        single->revoked_us = der_take_long_time(&info);
        if (der_is(&info, DER_CONTEXT_0)) {
            struct der_reader reason = der_enter(&info, DER_CONTEXT_0);
            single->reason = der_take_small(&reason, DER_ENUMERATED);
            single->has_reason = true;
            info.failed |= !der_done(&reason);
        }
        reader->failed |= !der_done(&info);
    } else
        reader->failed |= der_take(reader, DER_PRIMITIVE_0 + 2).size > 0;
}

bool ocsp_single_next(struct der_reader *singles, struct ocsp_single *ret_single) {
    if (!der_more(singles))
        return false;
    struct der_reader one = der_enter(singles, DER_SEQUENCE);
    struct ocsp_single single = {.cert_id = der_take(&one, DER_SEQUENCE)};
    read_status(&one, &single);
    single.this_update_us = der_take_long_time(&one);
    if (der_is(&one, DER_CONTEXT_0)) {
        struct der_reader next = der_enter(&one, DER_CONTEXT_0);
        single.next_update_us = der_take_long_time(&next);
        one.failed |= !der_done(&next);
    }
    single.extensions = take_extensions(&one, DER_CONTEXT_0 + 1);
    if (!der_done(&one))
        singles->failed = true;
    else
        *ret_single = single;
    return !singles->failed;
}

static bool read_singles(struct ocsp_response *response) {
    struct der_reader singles = der_read(response->singles);
    struct ocsp_single single;
    while (ocsp_single_next(&singles, &single))
        if (++response->single_count > OCSP_SINGLES_MOST)
            return false;
    return der_done(&singles);
}

static bool read_data(struct ocsp_response *response) {
    struct der_reader outer = der_read(response->tbs), data = der_enter(&outer, DER_SEQUENCE);
    if (der_is(&data, DER_CONTEXT_0)) {
        struct der_reader version = der_enter(&data, DER_CONTEXT_0);
        response->version = der_take_small(&version, DER_INTEGER);
        data.failed |= !der_done(&version);
    }
    if (der_is(&data, DER_CONTEXT_0 + 1)) {
        struct der_reader name = der_enter(&data, DER_CONTEXT_0 + 1);
        response->by_name = der_take_whole(&name, DER_SEQUENCE);
        data.failed |= !der_done(&name);
    } else {
        struct der_reader key = der_enter(&data, DER_CONTEXT_0 + 2);
        response->by_key = der_take(&key, DER_OCTET_STRING);
        data.failed |= !der_done(&key);
    }
    response->produced_us = der_take_long_time(&data);
    response->singles = der_take(&data, DER_SEQUENCE);
    response->extensions = take_extensions(&data, DER_CONTEXT_0 + 1);
    return der_done(&data) && read_singles(response);
}

static bool read_certificates(struct der_reader *basic, struct ocsp_response *response, struct fault *fault) {
    if (!der_is(basic, DER_CONTEXT_0))
        return true;
    struct der_reader outer = der_enter(basic, DER_CONTEXT_0), list = der_enter(&outer, DER_SEQUENCE);
    while (der_more(&list)) {
        struct slice der = der_take_whole(&list, DER_SEQUENCE);
        if (response->certificate_count == OCSP_CERTIFICATES_MOST)
            return fault_set(fault, FAULT_LIMIT, "more than %u certificates sent along",
                             OCSP_CERTIFICATES_MOST);
        if (!certificate_read(der, &response->certificates[response->certificate_count++], fault))
            return fault_place(fault, "a certificate sent along");
    }
    return der_done(&list) && der_done(&outer);
}

static bool read_basic(struct slice content, struct ocsp_response *response, struct fault *fault) {
    struct der_reader outer = der_read(content), basic = der_enter(&outer, DER_SEQUENCE);
    response->tbs = der_take_whole(&basic, DER_SEQUENCE);
    response->algorithm = der_take_whole(&basic, DER_SEQUENCE);
    response->signature = der_take_bits(&basic);
    struct fault inner = {0};
    if (!read_certificates(&basic, response, &inner) || !der_done(&basic) || !der_done(&outer) ||
        !read_data(response)) {
        char line[FAULT_LINE_SIZE];
        return fault_set(fault, FAULT_FORMAT, "a BasicOCSPResponse that does not hold together%s%.120s",
                         inner.code ? ": " : "", inner.code ? fault_line(&inner, line) : "");
    }
    return true;
}

bool ocsp_response_read(struct slice body, struct ocsp_response *ret_response, struct fault *fault) {
    struct der_reader outer = der_read(body), whole = der_enter(&outer, DER_SEQUENCE);
    ret_response->single_count = ret_response->certificate_count = 0;
    ret_response->by_name = ret_response->by_key = SLICE("");
    ret_response->version = 0;
    if (body.size > OCSP_RESPONSE_MOST)
        return fault_set(fault, FAULT_LIMIT, "%zu bytes; %u are the most", body.size, OCSP_RESPONSE_MOST);
    ret_response->status = der_take_small(&whole, DER_ENUMERATED);
    if (whole.failed)
        return fault_set(fault, FAULT_FORMAT, "%s", liveness_body_kind(body));
    if (!outer.failed && outer.rest.size)
        return fault_set(fault, FAULT_FORMAT, "%zu bytes behind the response", outer.rest.size);
    if (ret_response->status != OCSP_SUCCESSFUL)
        return true; /* whatever else stands there, nobody has signed it */
    struct der_reader context = der_enter(&whole, DER_CONTEXT_0), bytes = der_enter(&context, DER_SEQUENCE);
    struct slice type = der_take(&bytes, DER_OID), content = der_take(&bytes, DER_OCTET_STRING);
    if (!der_done(&bytes) || !der_done(&context) || !der_done(&whole))
        return fault_set(fault, FAULT_FORMAT, "a successful OCSPResponse without its bytes");
    if (!slice_equal(type, OID_OCSP_BASIC)) {
        char text[EXTENSION_OID_TEXT];
        extension_oid_text(type, text);
        return fault_set(fault, FAULT_FORMAT, "a response of the type %s, not id-pkix-ocsp-basic", text);
    }
    return read_basic(content, ret_response, fault);
}

const char *ocsp_status_name(uint32_t status) {
    static const char *const names[] = {"successful (0)",  "malformedRequest (1)", "internalError (2)",
                                        "tryLater (3)",    "4, which is unused",   "sigRequired (5)",
                                        "unauthorized (6)"};
    return status < sizeof names / sizeof *names ? names[status] : "an unknown status";
}

const char *ocsp_certificate_status_name(enum ocsp_certificate_status status) {
    static const char *const names[] = {"good", "revoked", "unknown"};
    return names[status];
}

const char *ocsp_reason_name(uint32_t reason) {
    static const char *const names[] = {
        "unspecified (0)",   "keyCompromise (1)",        "cACompromise (2)",    "affiliationChanged (3)",
        "superseded (4)",    "cessationOfOperation (5)", "certificateHold (6)", "7, which is unused",
        "removeFromCRL (8)", "privilegeWithdrawn (9)",   "aACompromise (10)"};
    return reason < sizeof names / sizeof *names ? names[reason] : "an unknown reason";
}
