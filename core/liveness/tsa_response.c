#include "tsa_response.h"

#include "liveness_report.h"
#include "oids.h"
#include "tsa_request.h"

/* ---- PKIStatusInfo */

static uint32_t first_bit(struct slice bits) {
    for (uint32_t bit = 0; bit < 8 * (uint32_t)(bits.size - 1) && bit < 64; bit++)
        if (bits.data[1 + bit / 8] & 0x80 >> bit % 8)
            return bit;
    return TSA_NO_FAILURE;
}

static void read_status(struct der_reader *whole, struct tsa_response *response) {
    struct der_reader info = der_enter(whole, DER_SEQUENCE);
    response->status = der_take_small(&info, DER_INTEGER);
    if (der_is(&info, DER_SEQUENCE)) {
        struct der_reader texts = der_enter(&info, DER_SEQUENCE);
        response->status_text = der_take(&texts, DER_UTF8_STRING);
        while (der_more(&texts))
            der_take(&texts, DER_UTF8_STRING);
        info.failed |= !der_done(&texts);
    }
    if (der_is(&info, DER_BIT_STRING)) {
        struct slice bits = der_take(&info, DER_BIT_STRING);
        info.failed |= bits.size == 0 || bits.data[0] > 7;
        response->failure = info.failed ? TSA_NO_FAILURE : first_bit(bits);
    }
    whole->failed |= !der_done(&info);
}

/* ---- TSTInfo */

static uint64_t take_part(struct der_reader *accuracy, uint8_t tag, uint64_t unit_us) {
    if (!der_is(accuracy, tag))
        return 0;
    uint32_t part = der_take_small(accuracy, tag);
    bool fits = tag == DER_INTEGER || (part >= 1 && part <= 999);
    accuracy->failed |= !fits;
    return part * unit_us;
}

static void read_accuracy(struct der_reader *reader, struct tsa_info *info) {
    struct der_reader accuracy = der_enter(reader, DER_SEQUENCE);
    info->has_accuracy = true;
    info->accuracy_us = take_part(&accuracy, DER_INTEGER, 1000000);
    info->accuracy_us += take_part(&accuracy, DER_PRIMITIVE_0, 1000);
    info->accuracy_us += take_part(&accuracy, DER_PRIMITIVE_0 + 1, 1);
    reader->failed |= !der_done(&accuracy);
}

static bool read_info(struct slice content, struct tsa_info *info) {
    struct der_reader outer = der_read(content), parts = der_enter(&outer, DER_SEQUENCE);
    *info = (struct tsa_info){.version = der_take_small(&parts, DER_INTEGER)};
    info->policy = der_take(&parts, DER_OID);
    tsa_imprint_take(&parts, &info->digest, &info->imprint);
    info->serial = der_take_integer(&parts);
    info->time_us = der_take_precise_time(&parts, &info->time_exact);
    if (der_is(&parts, DER_SEQUENCE))
        read_accuracy(&parts, info);
    if (der_is(&parts, DER_BOOLEAN))
        info->ordering = der_take_boolean(&parts);
    if (der_is(&parts, DER_INTEGER))
        info->nonce = der_take_integer(&parts);
    if (der_is(&parts, DER_CONTEXT_0)) {
        struct der_reader name = der_enter(&parts, DER_CONTEXT_0);
        info->name = der_take_any(&name).whole;
        parts.failed |= !der_done(&name);
    }
    if (der_is(&parts, DER_CONTEXT_0 + 1)) {
        info->extensions = der_take(&parts, DER_CONTEXT_0 + 1);
        struct der_reader extensions = der_read(info->extensions);
        struct extension extension;
        while (extension_next(&extensions, &extension)) {
        }
        parts.failed |= !der_done(&extensions);
    }
    return der_done(&parts) && der_done(&outer);
}

/* ---- CMS */

static bool read_certificates(struct slice set, struct tsa_response *response, struct fault *fault) {
    struct der_reader list = der_read(set);
    while (der_more(&list)) {
        struct der_element one = der_take_any(&list);
        if (one.tag != DER_SEQUENCE)
            continue; /* attribute certificates, and others of CMS's choices */
        if (response->certificate_count == TSA_CERTIFICATES_MOST)
            return fault_set(fault, FAULT_LIMIT, "more than %u certificates sent along",
                             TSA_CERTIFICATES_MOST);
        if (!certificate_read(one.whole, &response->certificates[response->certificate_count++], fault))
            return fault_place(fault, "a certificate sent along");
    }
    return der_done(&list);
}

/* Attributes as a sequence of type and SET; that they are in order is the signature's matter. */
static bool attributes_hold(struct slice attributes) {
    struct der_reader list = der_read(attributes);
    while (der_more(&list)) {
        struct der_reader one = der_enter(&list, DER_SEQUENCE);
        der_take(&one, DER_OID);
        der_take(&one, DER_SET);
        list.failed |= !der_done(&one);
    }
    return der_done(&list);
}

static void read_signer(struct der_reader *signers, struct tsa_signer *signer) {
    struct der_reader info = der_enter(signers, DER_SEQUENCE);
    *signer = (struct tsa_signer){.version = der_take_small(&info, DER_INTEGER)};
    if (der_is(&info, DER_PRIMITIVE_0))
        signer->key_id = der_take(&info, DER_PRIMITIVE_0);
    else {
        struct der_reader id = der_enter(&info, DER_SEQUENCE);
        signer->issuer = der_take_whole(&id, DER_SEQUENCE);
        signer->serial = der_take_integer(&id);
        info.failed |= !der_done(&id);
    }
    struct der_reader digest = der_enter(&info, DER_SEQUENCE);
    signer->digest = der_take(&digest, DER_OID);
    if (der_is(&info, DER_CONTEXT_0))
        signer->attributes = der_take(&info, DER_CONTEXT_0);
    signer->algorithm = der_take_whole(&info, DER_SEQUENCE);
    signer->signature = der_take(&info, DER_OCTET_STRING);
    if (der_is(&info, DER_CONTEXT_0 + 1))
        der_take(&info, DER_CONTEXT_0 + 1);
    signers->failed |= !der_done(&info) || digest.failed || !attributes_hold(signer->attributes);
}

static bool read_signers(struct der_reader *data, struct tsa_response *response) {
    struct der_reader signers = der_enter(data, DER_SET);
    while (der_more(&signers)) {
        struct tsa_signer signer;
        read_signer(&signers, &signer);
        if (response->signer_count == 0)
            response->signer = signer;
        if (++response->signer_count > TSA_SIGNERS_MOST)
            return false;
    }
    return der_done(&signers);
}

static bool read_signed_data(struct der_reader *data, struct tsa_response *response, struct fault *fault) {
    response->version = der_take_small(data, DER_INTEGER);
    der_take(data, DER_SET); /* of digests: the signer names its own */
    struct der_reader content = der_enter(data, DER_SEQUENCE);
    response->content_type = der_take(&content, DER_OID);
    struct der_reader bytes = der_enter(&content, DER_CONTEXT_0);
    response->content = der_take(&bytes, DER_OCTET_STRING);
    data->failed |= !der_done(&bytes) || !der_done(&content);
    if (der_is(data, DER_CONTEXT_0) && !read_certificates(der_take(data, DER_CONTEXT_0), response, fault))
        return false;
    if (der_is(data, DER_CONTEXT_0 + 1))
        der_take(data, DER_CONTEXT_0 + 1); /* CRLs */
    return read_signers(data, response) && der_done(data);
}

static bool read_token(struct slice token, struct tsa_response *response, struct fault *fault) {
    struct der_reader outer = der_read(token), info = der_enter(&outer, DER_SEQUENCE);
    struct fault inner = {0};
    struct slice type = der_take(&info, DER_OID);
    if (!info.failed && !slice_equal(type, OID_SIGNED_DATA)) {
        char text[EXTENSION_OID_TEXT];
        extension_oid_text(type, text);
        return fault_set(fault, FAULT_FORMAT, "a token of the type %s, not id-signedData", text);
    }
    struct der_reader explicit = der_enter(&info, DER_CONTEXT_0), data = der_enter(&explicit, DER_SEQUENCE);
    if (!read_signed_data(&data, response, &inner) || !der_done(&explicit) || !der_done(&info)) {
        char line[FAULT_LINE_SIZE];
        return fault_set(fault, FAULT_FORMAT, "a token whose SignedData does not hold together%s%.120s",
                         inner.code ? ": " : "", inner.code ? fault_line(&inner, line) : "");
    }
    response->has_info = slice_equal(response->content_type, OID_TST_INFO);
    return !response->has_info || read_info(response->content, &response->info) ||
           fault_set(fault, FAULT_FORMAT, "a token whose TSTInfo does not hold together");
}

bool tsa_response_read(struct slice body, struct tsa_response *ret_response, struct fault *fault) {
    struct der_reader outer = der_read(body), whole = der_enter(&outer, DER_SEQUENCE);
    ret_response->failure = TSA_NO_FAILURE;
    ret_response->status_text = SLICE("");
    ret_response->signer_count = ret_response->certificate_count = 0;
    ret_response->has_token = ret_response->has_info = false;
    if (body.size > TSA_RESPONSE_MOST)
        return fault_set(fault, FAULT_LIMIT, "%zu bytes; %u are the most", body.size, TSA_RESPONSE_MOST);
    read_status(&whole, ret_response);
    if (whole.failed)
        return fault_set(fault, FAULT_FORMAT, "%s", liveness_body_kind(body));
    if (outer.rest.size)
        return fault_set(fault, FAULT_FORMAT, "%zu bytes behind the response", outer.rest.size);
    if (!der_more(&whole))
        return true;
    struct slice token = der_take_whole(&whole, DER_SEQUENCE);
    if (!der_done(&whole))
        return fault_set(fault, FAULT_FORMAT, "something else than a token behind the status");
    ret_response->has_token = true;
    return read_token(token, ret_response, fault);
}

/* ---- attributes */

size_t tsa_attribute_find(struct slice attributes, struct slice type, struct slice *ret_value) {
    struct der_reader list = der_read(attributes);
    size_t found = 0;
    *ret_value = SLICE("");
    while (der_more(&list)) {
        struct der_reader one = der_enter(&list, DER_SEQUENCE);
        struct slice of = der_take(&one, DER_OID);
        struct der_reader values = der_enter(&one, DER_SET);
        for (; slice_equal(of, type) && der_more(&values); found++)
            *ret_value = der_take_any(&values).whole;
    }
    if (found != 1)
        *ret_value = SLICE("");
    return found;
}

/* IssuerSerial: of its GeneralNames the one that is a directoryName. */
static void read_issuer_serial(struct der_reader *reader, struct tsa_certificate_id *id) {
    struct der_reader parts = der_enter(reader, DER_SEQUENCE), names = der_enter(&parts, DER_SEQUENCE);
    while (der_more(&names)) {
        struct der_element name = der_take_any(&names);
        if (name.tag == DER_CONTEXT_0 + 4)
            id->issuer = name.content;
    }
    id->serial = der_take_integer(&parts);
    reader->failed |= !der_done(&parts) || !der_done(&names) || id->issuer.size == 0;
}

bool tsa_certificate_id_read(struct slice value, bool older, struct tsa_certificate_id *ret_id) {
    struct tsa_certificate_id id = {.digest = older ? OID_SHA1 : OID_SHA256};
    struct der_reader outer = der_read(value), parts = der_enter(&outer, DER_SEQUENCE);
    struct der_reader list = der_enter(&parts, DER_SEQUENCE), first = der_enter(&list, DER_SEQUENCE);
    if (!older && der_is(&first, DER_SEQUENCE)) {
        struct der_reader algorithm = der_enter(&first, DER_SEQUENCE);
        id.digest = der_take(&algorithm, DER_OID);
    }
    id.hash = der_take(&first, DER_OCTET_STRING);
    if (der_is(&first, DER_SEQUENCE))
        read_issuer_serial(&first, &id);
    if (!der_done(&first) || list.failed || !der_done(&outer))
        return false;
    *ret_id = id;
    return true;
}

/* ---- names */

const char *tsa_status_name(uint32_t status) {
    static const char *const names[] = {"granted (0)", "grantedWithMods (1)",   "rejection (2)",
                                        "waiting (3)", "revocationWarning (4)", "revocationNotification (5)"};
    return status < sizeof names / sizeof *names ? names[status] : "an unknown status";
}

const char *tsa_failure_name(uint32_t failure) {
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{0, "badAlg"},
                 {2, "badRequest"},
                 {5, "badDataFormat"},
                 {14, "timeNotAvailable"},
                 {15, "unacceptedPolicy"},
                 {16, "unacceptedExtension"},
                 {17, "addInfoNotAvailable"},
                 {25, "systemFailure"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].bit == failure)
            return names[i].name;
    return "an unknown failure";
}
