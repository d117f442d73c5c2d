#include "crl_scope.h"

/* A BOOLEAN under an implicit tag; false where it is not there. */
static bool take_flag(struct der_reader *reader, uint8_t number) {
    if (!der_is(reader, DER_PRIMITIVE_0 + number))
        return false;
    struct slice content = der_take(reader, DER_PRIMITIVE_0 + number);
    if (content.size != 1)
        reader->failed = true;
    return !reader->failed && content.data[0] != 0;
}

bool crl_scope_read(struct slice value, struct crl_scope *ret_scope) {
    struct der_reader outer = der_read(value), parts = der_enter(&outer, DER_SEQUENCE);
    struct crl_scope scope = {.empty = parts.rest.size == 0};
    if (der_is(&parts, DER_CONTEXT_0)) {
        struct der_reader point = der_enter(&parts, DER_CONTEXT_0);
        if (der_is(&point, DER_CONTEXT_0))
            scope.names = der_take(&point, DER_CONTEXT_0);
        else
            der_take(&point, DER_CONTEXT_0 + 1);
        parts.failed |= !der_done(&point);
    }
    scope.only_users = take_flag(&parts, 1);
    scope.only_cas = take_flag(&parts, 2);
    if (der_is(&parts, DER_PRIMITIVE_0 + 3)) {
        der_take(&parts, DER_PRIMITIVE_0 + 3);
        scope.some_reasons = true;
    }
    scope.indirect = take_flag(&parts, 4);
    scope.only_attributes = take_flag(&parts, 5);
    if (!der_done(&parts) || !der_done(&outer))
        return false;
    *ret_scope = scope;
    return true;
}
