/* The kinds of probes: a row each. */
#include "probe_kinds.h"

static const struct probe_kind *const kinds[] = {
    &probe_kind_ocsp,
    &probe_kind_crl,
    &probe_kind_tsa,
    &probe_kind_pkcs11,
    &probe_kind_cacert,
    &probe_kind_tls,
    &probe_kind_http,
    &probe_kind_grpc,
    &probe_kind_acme,
    &probe_kind_dns,
    &probe_kind_ntp,
    &probe_kind_smtp,
    &probe_kind_tcp,
    &probe_kind_command,
    &probe_kind_queue,
};

const struct probe_kind *probe_kind_find(enum liveness_kind kind) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->kind == kind)
            return kinds[i];
    return NULL;
}
