/* Every kind, by name; each is defined in a file of its own. */
#ifndef TOCSIN_PROBE_KINDS_H
#define TOCSIN_PROBE_KINDS_H

#include "probe_kind.h"

extern const struct probe_kind probe_kind_ocsp;   /* ocsp_probe.c */
extern const struct probe_kind probe_kind_crl;    /* crl_probe.c */
extern const struct probe_kind probe_kind_http;   /* http_probe.c */
extern const struct probe_kind probe_kind_grpc;   /* grpc_probe.c */
extern const struct probe_kind probe_kind_acme;   /* acme_probe.c */
extern const struct probe_kind probe_kind_cacert; /* cacert_probe.c */
extern const struct probe_kind probe_kind_tls;    /* tls_probe.c */
extern const struct probe_kind probe_kind_pkcs11; /* pkcs11_probe.c */
extern const struct probe_kind probe_kind_tsa;    /* tsa_probe.c */

extern const struct probe_kind probe_kind_dns;     /* dns_probe.c */
extern const struct probe_kind probe_kind_ntp;     /* ntp_probe.c */
extern const struct probe_kind probe_kind_smtp;    /* smtp_probe.c */
extern const struct probe_kind probe_kind_tcp;     /* tcp_probe.c */
extern const struct probe_kind probe_kind_command; /* command_probe.c */
extern const struct probe_kind probe_kind_queue;   /* queue_probe.c */

#endif
