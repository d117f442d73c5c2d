#include "certificate.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "encoding.h"
#include "oids.h"
#include "signature.h"

static bool read_eku(struct slice value, struct certificate *certificate) {
    struct der_reader outer = der_read(value), purposes = der_enter(&outer, DER_SEQUENCE);
    while (der_more(&purposes)) {
        struct slice purpose = der_take(&purposes, DER_OID);
        certificate->signs_ocsp |= slice_equal(purpose, OID_OCSP_SIGNING);
        certificate->stamps_time |= slice_equal(purpose, OID_TIME_STAMPING);
        certificate->purpose_count++;
    }
    return der_done(&purposes) && der_done(&outer);
}

static bool read_extension(const struct extension *extension, struct certificate *certificate) {
    struct der_reader value = der_read(extension->value);
    if (slice_equal(extension->oid, OID_KEY_USAGE)) {
        certificate->has_key_usage = true;
        certificate->key_usage_critical = extension->critical;
        certificate->key_usage = der_take_flags(&value);
        return der_done(&value);
    }
    if (slice_equal(extension->oid, OID_SUBJECT_KEY_ID)) {
        certificate->subject_key_id = der_take(&value, DER_OCTET_STRING);
        return der_done(&value);
    }
    if (slice_equal(extension->oid, OID_BASIC_CONSTRAINTS)) {
        struct der_reader parts = der_enter(&value, DER_SEQUENCE);
        certificate->is_ca = der_is(&parts, DER_BOOLEAN) && der_take_boolean(&parts);
        return !parts.failed && der_done(&value);
    }
    if (slice_equal(extension->oid, OID_EXTENDED_KEY_USAGE)) {
        certificate->purposes_critical = extension->critical;
        return read_eku(extension->value, certificate);
    }
    certificate->nocheck |= slice_equal(extension->oid, OID_OCSP_NOCHECK);
    return true;
}

static bool read_extensions(struct certificate *certificate) {
    struct der_reader reader = der_read(certificate->extensions);
    struct extension extension;
    while (extension_next(&reader, &extension))
        if (!read_extension(&extension, certificate))
            return false;
    return der_done(&reader);
}

static bool read_tbs(struct der_reader *tbs, struct certificate *certificate) {
    if (der_is(tbs, DER_CONTEXT_0))
        der_take(tbs, DER_CONTEXT_0);
    certificate->serial = der_take_integer(tbs);
    struct slice inner = der_take_whole(tbs, DER_SEQUENCE);
    certificate->issuer = der_take_whole(tbs, DER_SEQUENCE);
    struct der_reader validity = der_enter(tbs, DER_SEQUENCE);
    certificate->not_before_us = der_take_time(&validity);
    certificate->not_after_us = der_take_time(&validity);
    certificate->subject = der_take_whole(tbs, DER_SEQUENCE);
    certificate->key = der_take_whole(tbs, DER_SEQUENCE);
    for (uint8_t unique = 1; unique <= 2; unique++)
        if (der_is(tbs, DER_PRIMITIVE_0 + unique))
            der_take(tbs, DER_PRIMITIVE_0 + unique);
    if (der_is(tbs, DER_CONTEXT_0 + 3)) {
        struct der_reader extensions = der_enter(tbs, DER_CONTEXT_0 + 3);
        certificate->extensions = der_take(&extensions, DER_SEQUENCE);
        if (!der_done(&extensions))
            return false;
    }
    struct der_reader key = der_read(certificate->key), parts = der_enter(&key, DER_SEQUENCE);
    der_take(&parts, DER_SEQUENCE);
    certificate->key_bits = der_take_bits(&parts);
    return der_done(tbs) && der_done(&validity) && der_done(&parts) &&
           slice_equal(inner, certificate->algorithm);
}

bool certificate_read(struct slice der, struct certificate *ret_certificate, struct fault *fault) {
    struct der_reader file = der_read(der), whole = der_enter(&file, DER_SEQUENCE);
    struct certificate certificate = {.whole = der};
    if (der.size > CERTIFICATE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a certificate of %zu bytes; %u is the most", der.size,
                         CERTIFICATE_MOST);
    certificate.tbs = der_take_whole(&whole, DER_SEQUENCE);
    certificate.algorithm = der_take_whole(&whole, DER_SEQUENCE);
    certificate.signature = der_take_bits(&whole);
    struct der_reader outer = der_read(certificate.tbs), tbs = der_enter(&outer, DER_SEQUENCE);
    if (!der_done(&whole) || !der_done(&file) || !read_tbs(&tbs, &certificate) ||
        !read_extensions(&certificate))
        return fault_set(fault, FAULT_FORMAT, "this is no certificate in DER or PEM");
    *ret_certificate = certificate;
    return true;
}

bool certificate_same_name(struct slice a, struct slice b) {
    const unsigned char *at_a = a.data, *at_b = b.data;
    if (slice_equal(a, b))
        return true;
    X509_NAME *name_a = d2i_X509_NAME(NULL, &at_a, (long)a.size),
              *name_b = d2i_X509_NAME(NULL, &at_b, (long)b.size);
    bool same = name_a && name_b && X509_NAME_cmp(name_a, name_b) == 0;
    X509_NAME_free(name_a);
    X509_NAME_free(name_b);
    ERR_clear_error();
    return same;
}

bool certificate_issued_by(const struct certificate *certificate, const struct certificate *issuer) {
    struct signature_algorithm algorithm;
    return certificate_same_name(certificate->issuer, issuer->subject) &&
           signature_algorithm_read(certificate->algorithm, &algorithm) &&
           signature_holds(&algorithm, issuer->key, certificate->tbs, certificate->signature);
}

bool certificate_has_purpose(const struct certificate *certificate, struct slice purpose) {
    struct extension extension;
    bool found = false;
    if (!extension_find(certificate->extensions, OID_EXTENDED_KEY_USAGE, &extension))
        return false;
    struct der_reader outer = der_read(extension.value), purposes = der_enter(&outer, DER_SEQUENCE);
    while (der_more(&purposes))
        found |= slice_equal(der_take(&purposes, DER_OID), purpose);
    return found;
}

struct slice certificate_crl_uri(const struct certificate *certificate, size_t n) {
    struct extension extension;
    const struct slice none = {NULL, 0};
    if (!extension_find(certificate->extensions, OID_CRL_DISTRIBUTION_POINTS, &extension))
        return none;
    struct der_reader outer = der_read(extension.value), points = der_enter(&outer, DER_SEQUENCE);
    while (der_more(&points)) {
        struct der_reader point = der_enter(&points, DER_SEQUENCE);
        if (!der_is(&point, DER_CONTEXT_0))
            continue;
        struct der_reader name = der_enter(&point, DER_CONTEXT_0);
        struct der_reader full = der_enter(&name, DER_CONTEXT_0);
        while (der_more(&full)) {
            struct der_element one = der_take_any(&full);
            if (one.tag == DER_PRIMITIVE_0 + 6 && n-- == 0)
                return one.content;
        }
    }
    return none;
}

/* In AuthorityInfoAccess, of that method. */
static struct slice access_uri(const struct certificate *certificate, struct slice method, size_t n) {
    struct extension extension;
    const struct slice none = {NULL, 0};
    if (!extension_find(certificate->extensions, OID_AUTHORITY_INFO_ACCESS, &extension))
        return none;
    struct der_reader outer = der_read(extension.value), places = der_enter(&outer, DER_SEQUENCE);
    while (der_more(&places)) {
        struct der_reader place = der_enter(&places, DER_SEQUENCE);
        bool wanted = slice_equal(der_take(&place, DER_OID), method);
        struct der_element name = der_take_any(&place);
        if (wanted && name.tag == DER_PRIMITIVE_0 + 6 && n-- == 0)
            return name.content;
    }
    return none;
}

struct slice certificate_ocsp_uri(const struct certificate *certificate, size_t n) {
    return access_uri(certificate, OID_OCSP, n);
}

struct slice certificate_issuer_uri(const struct certificate *certificate, size_t n) {
    return access_uri(certificate, OID_CA_ISSUERS, n);
}

void certificate_name_text(struct slice name, char ret_text[CERTIFICATE_NAME_TEXT]) {
    struct der_reader outer = der_read(name), sets = der_enter(&outer, DER_SEQUENCE);
    struct slice common = {NULL, 0}, last = {NULL, 0};
    while (der_more(&sets)) {
        struct der_reader set = der_enter(&sets, DER_SET), attribute = der_enter(&set, DER_SEQUENCE);
        struct slice type = der_take(&attribute, DER_OID);
        last = der_take_any(&attribute).content;
        if (slice_equal(type, SLICE("\x55\x04\x03")))
            common = last;
    }
    struct slice text = slice_head(common.size ? common : last, CERTIFICATE_NAME_TEXT - 1);
    for (size_t i = 0; i < text.size; i++)
        ret_text[i] = text.data[i] >= ' ' && text.data[i] <= '~' ? (char)text.data[i] : '?';
    ret_text[text.size] = '\0';
}

/* ---- files */

static bool line_is(struct slice line, const char *begin, struct slice label) {
    struct slice head = slice_string(begin);
    struct slice rest = slice_from(line, head.size);
    return slice_starts(line, head) && slice_starts(rest, label) &&
           slice_equal(slice_trim(slice_from(rest, label.size)), SLICE("-----"));
}

static struct slice take_line(struct slice *rest) {
    size_t end = slice_find_byte(*rest, '\n');
    struct slice line = end == SIZE_MAX ? *rest : slice_head(*rest, end);
    *rest = slice_from(*rest, line.size + 1);
    while (line.size && (line.data[line.size - 1] == '\r' || line.data[line.size - 1] == ' '))
        line.size--;
    return line;
}

bool certificate_bytes(struct slice file, struct slice label, struct buffer *to, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(file.size + 1);
    bool inside = false, any = false;
    for (struct slice rest = file; rest.size;) {
        struct slice line = take_line(&rest);
        if (!inside && line_is(line, "-----BEGIN ", label)) {
            inside = any = true;
            buffer_clear(&text);
        } else if (inside && line_is(line, "-----END ", label)) {
            inside = false;
            if (!encoding_unbase64(to, buffer_slice(&text)))
                return fault_set(fault, FAULT_FORMAT, "a PEM block that is not base64");
        } else if (inside)
            buffer_append_slice(&text, line);
    }
    if (inside)
        return fault_set(fault, FAULT_FORMAT, "a PEM block without its end");
    if (!any)
        buffer_append_slice(to, file);
    return !to->overflow || fault_set(fault, FAULT_LIMIT, "more than %zu bytes", to->limit);
}
