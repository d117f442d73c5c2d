/* The private key by its name, and the public key that belongs to it. */
#include <stdio.h>
#include <stdlib.h>

#include "canary.h"
#include "certificate.h"
#include "der_write.h"
#include "encoding.h"
#include "files.h"
#include "oids.h"

#define ATTRIBUTE_MOST 16384u
#define ED25519_SIZE 32u /* of a point */
#define FILE_MOST 65536u

/* ---- attributes */

/* One attribute's bytes; false where the object does not have it, or does not give it away. */
static bool read_attribute(struct canary *canary, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                           struct buffer *to) {
    CK_ATTRIBUTE attribute = {.type = type};
    if (canary->functions->C_GetAttributeValue(canary->session, object, &attribute, 1) != CKR_OK ||
        attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION || attribute.ulValueLen > ATTRIBUTE_MOST)
        return false;
    buffer_clear(to);
    if (!buffer_reserve(to, attribute.ulValueLen + 1))
        return false;
    attribute.pValue = to->data;
    if (canary->functions->C_GetAttributeValue(canary->session, object, &attribute, 1) != CKR_OK)
        return false;
    to->size = attribute.ulValueLen;
    return true;
}

static CK_ULONG read_number(struct canary *canary, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                            CK_ULONG missing) {
    CK_ULONG value;
    CK_ATTRIBUTE attribute = {type, &value, sizeof value};
    bool got = canary->functions->C_GetAttributeValue(canary->session, object, &attribute, 1) == CKR_OK &&
               attribute.ulValueLen == sizeof value;
    return got ? value : missing;
}

static bool read_flag(struct canary *canary, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE attribute = {type, &value, sizeof value};
    return canary->functions->C_GetAttributeValue(canary->session, object, &attribute, 1) == CKR_OK && value;
}

/* ---- objects */

/* Objects of a class that fit; at most two are counted. */
static CK_RV find(struct canary *canary, CK_OBJECT_CLASS class, const CK_ATTRIBUTE *more, CK_ULONG more_count,
                  CK_OBJECT_HANDLE *ret_first, CK_ULONG *ret_count) {
    CK_ATTRIBUTE template[4] = {{CKA_CLASS, &class, sizeof class}};
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 1;
    for (CK_ULONG i = 0; i < more_count && count < 4; i++)
        template[count++] = more[i];
    CK_RV error = canary->functions->C_FindObjectsInit(canary->session, template, count);
    if (error != CKR_OK)
        return error;
    error = canary->functions->C_FindObjects(canary->session, found, 2, ret_count);
    canary->functions->C_FindObjectsFinal(canary->session);
    if (error == CKR_OK && *ret_count > 0)
        *ret_first = found[0];
    return error;
}

static CK_ULONG names(P11KitUri *uri, CK_ATTRIBUTE named[2]) {
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_LABEL, CKA_ID};
    CK_ULONG count = 0;
    for (size_t i = 0; i < 2; i++) {
        const CK_ATTRIBUTE *one = p11_kit_uri_get_attribute(uri, types[i]);
        if (one)
            named[count++] = *one;
    }
    return count;
}

static const char *type_name(CK_KEY_TYPE type) {
    return type == CKK_RSA ? "RSA" : type == CKK_EC ? "EC" : type == CKK_EC_EDWARDS ? "EdDSA" : NULL;
}

static void tell_key(struct canary *canary) {
    CLEANUP_BUFFER struct buffer label = BUFFER(ATTRIBUTE_MOST + 1), id = BUFFER(ATTRIBUTE_MOST + 1);
    char text[PKCS11_TEXT_SIZE], hex[41] = "";
    if (read_attribute(canary, canary->key, CKA_ID, &id) && id.size <= 20)
        encoding_hex(id.data, id.size, hex);
    read_attribute(canary, canary->key, CKA_LABEL, &label);
    snprintf(text, sizeof text, "%s '%.*s'%s%s", type_name(canary->key_type),
             SLICE_ARG(slice_head(buffer_slice(&label), 64)), hex[0] ? ", id " : "", hex);
    canary_tell(canary, PKCS11_FACT_KEY, text);
}

bool canary_find(struct canary *canary, struct fault *fault) {
    CK_ATTRIBUTE named[2];
    CK_ULONG count = 0, all = 0;
    CK_OBJECT_HANDLE any;
    CK_RV error = find(canary, CKO_PRIVATE_KEY, named, names(canary->uri, named), &canary->key, &count);
    if (error != CKR_OK)
        return canary_refused(fault, "C_FindObjects", error);
    if (count > 1)
        return fault_set(fault, FAULT_CONFLICT, "several private keys fit: name its id, too (id=%%01)");
    if (count == 0) {
        find(canary, CKO_PRIVATE_KEY, NULL, 0, &any, &all);
        return fault_set(fault, FAULT_MISSING, "%s",
                         all                          ? "no private key of that name, though there are others"
                         : canary_needs_login(canary) ? "the token has no private key"
                                                      : "no private key is seen without a PIN: name its file "
                                                        "(?pin-source=/etc/tocsin/canary.pin)");
    }
    canary->key_type = read_number(canary, canary->key, CKA_KEY_TYPE, CK_UNAVAILABLE_INFORMATION);
    if (!type_name(canary->key_type))
        return fault_set(fault, FAULT_USAGE, "a key of the type 0x%lx: RSA, EC and EdDSA are known here",
                         canary->key_type);
    canary->asks_each_time = read_flag(canary, canary->key, CKA_ALWAYS_AUTHENTICATE);
    tell_key(canary);
    return true;
}

/* ---- the public key */

static void write_unsigned(struct buffer *to, struct slice magnitude) {
    size_t start = to->size;
    while (magnitude.size > 1 && magnitude.data[0] == 0)
        magnitude = slice_from(magnitude, 1);
    if (magnitude.size == 0 || magnitude.data[0] & 0x80)
        buffer_append(to, "", 1);
    buffer_append_slice(to, magnitude);
    der_wrap(to, start, DER_INTEGER);
}

/* SubjectPublicKeyInfo: an algorithm with its parameters, and bits (RFC 5280 4.1.2.7). */
static void write_info(struct buffer *to, struct slice oid, struct slice parameters, struct slice bits) {
    size_t start = to->size;
    der_write(to, DER_OID, oid);
    buffer_append_slice(to, parameters);
    der_wrap(to, start, DER_SEQUENCE);
    size_t at = to->size;
    buffer_append(to, "", 1);
    buffer_append_slice(to, bits);
    der_wrap(to, at, DER_BIT_STRING);
    der_wrap(to, start, DER_SEQUENCE);
}

static bool write_rsa(struct canary *canary, CK_OBJECT_HANDLE object, struct buffer *to) {
    CLEANUP_BUFFER struct buffer part = BUFFER(ATTRIBUTE_MOST + 1), key = BUFFER(CANARY_KEY_MOST);
    if (!read_attribute(canary, object, CKA_MODULUS, &part))
        return false;
    write_unsigned(&key, buffer_slice(&part));
    if (!read_attribute(canary, object, CKA_PUBLIC_EXPONENT, &part))
        return false;
    write_unsigned(&key, buffer_slice(&part));
    der_wrap(&key, 0, DER_SEQUENCE);
    write_info(to, OID_RSA_KEY, SLICE("\x05\x00"), buffer_slice(&key));
    return true;
}

/* A point in an OCTET STRING, as it should be, or bare, as some modules give it. */
static struct slice point_of(struct slice value) {
    struct der_reader reader = der_read(value);
    struct slice content = der_take(&reader, DER_OCTET_STRING);
    return der_done(&reader) ? content : value;
}

static bool write_point(struct canary *canary, CK_OBJECT_HANDLE object, struct buffer *to) {
    CLEANUP_BUFFER struct buffer point = BUFFER(ATTRIBUTE_MOST + 1), curve = BUFFER(ATTRIBUTE_MOST + 1);
    if (!read_attribute(canary, object, CKA_EC_POINT, &point) ||
        !read_attribute(canary, object, CKA_EC_PARAMS, &curve))
        return false;
    struct slice bits = point_of(buffer_slice(&point));
    if (canary->key_type == CKK_EC)
        write_info(to, OID_EC_KEY, buffer_slice(&curve), bits);
    else
        write_info(to, bits.size == ED25519_SIZE ? OID_ED25519 : OID_ED448, SLICE(""), bits);
    return true;
}

static bool write_public(struct canary *canary, CK_OBJECT_HANDLE object, struct buffer *to) {
    buffer_clear(to);
    return canary->key_type == CKK_RSA ? write_rsa(canary, object, to) : write_point(canary, object, to);
}

static bool from_file(struct canary *canary, struct buffer *to, struct fault *fault) {
    CLEANUP_BUFFER struct buffer file = BUFFER(FILE_MOST), der = BUFFER(FILE_MOST);
    struct certificate certificate;
    if (!files_read(canary->certificate, &file, fault))
        return false;
    if (!certificate_bytes(buffer_slice(&file), SLICE("CERTIFICATE"), &der, fault) ||
        !certificate_read(buffer_slice(&der), &certificate, fault))
        return fault_place(fault, "%s", canary->certificate);
    return buffer_append_slice(to, certificate.key);
}

static bool from_certificate_object(struct canary *canary, CK_OBJECT_HANDLE object, struct buffer *to) {
    CLEANUP_BUFFER struct buffer value = BUFFER(ATTRIBUTE_MOST + 1);
    struct certificate certificate;
    return read_attribute(canary, object, CKA_VALUE, &value) &&
           certificate_read(buffer_slice(&value), &certificate, NULL) &&
           buffer_append_slice(to, certificate.key);
}

/* Of the same id, or of the same label where the key has no id. */
static bool sibling(struct canary *canary, CK_OBJECT_CLASS class, CK_OBJECT_HANDLE *ret_object) {
    CLEANUP_BUFFER struct buffer value = BUFFER(ATTRIBUTE_MOST + 1);
    CK_ATTRIBUTE_TYPE type = CKA_ID;
    CK_ULONG count = 0;
    if (!read_attribute(canary, canary->key, type, &value) || value.size == 0) {
        type = CKA_LABEL;
        if (!read_attribute(canary, canary->key, type, &value) || value.size == 0)
            return false;
    }
    CK_ATTRIBUTE same = {type, value.data, value.size};
    return find(canary, class, &same, 1, ret_object, &count) == CKR_OK && count > 0;
}

bool canary_public_key(struct canary *canary, struct buffer *to, const char **ret_from, struct fault *fault) {
    CK_OBJECT_HANDLE object;
    if (canary->certificate) {
        *ret_from = "the given certificate";
        return from_file(canary, to, fault);
    }
    *ret_from = "the token's public key";
    if (sibling(canary, CKO_PUBLIC_KEY, &object) && write_public(canary, object, to))
        return true;
    *ret_from = "the token's certificate";
    buffer_clear(to);
    if (sibling(canary, CKO_CERTIFICATE, &object) && from_certificate_object(canary, object, to))
        return true;
    *ret_from = "the private key's public part";
    return write_public(canary, canary->key, to) ||
           fault_set(fault, FAULT_MISSING,
                     "the token has no public key beside it: name its certificate (certificate)");
}
