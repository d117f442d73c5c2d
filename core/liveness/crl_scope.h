/* IssuingDistributionPoint (RFC 5280 5.2.5): of which certificates a CRL is the list. */
#ifndef TOCSIN_CRL_SCOPE_H
#define TOCSIN_CRL_SCOPE_H

#include "der.h"

struct crl_scope {
    struct slice names; /* content of fullName; empty without one */
    bool empty, only_users, only_cas, some_reasons, indirect, only_attributes;
};
bool crl_scope_read(struct slice value, struct crl_scope *ret_scope);

#endif
