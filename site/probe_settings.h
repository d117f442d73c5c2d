/* What is to be probed, as it stands in agent.yaml (`probes:`) and on the command line (`tocsin probe`): one struct for all
 * kinds, one table (probe_settings.c) that says which key is whose. Reading: settings.h; a member's default and meaning stand
 * in the table. */
#ifndef TOCSIN_PROBE_SETTINGS_H
#define TOCSIN_PROBE_SETTINGS_H

#include "liveness_checks.h"
#include "probe_state.h"
#include "settings.h"

#define PROBE_NAME_MOST 100u
#define PROBE_NAME_SIZE 201u     /* of a name in use, with its NUL; longer ones are cut */
#define PROBE_ADDRESSES_MOST 32u /* of a name; more are not asked */

enum probe_partial { PROBE_PARTIAL_WARN, PROBE_PARTIAL_CRITICAL };

struct probe_settings {
    char *place;   /* "agent.yaml:7:5" */
    char *name;    /* NULL: the kind and the target */
    unsigned kind; /* enum liveness_kind */
    char *target;  /* a URL, HOST:PORT, a path: as the kind takes it */

    uint64_t every_us, retry_us, timeout_us, remind_us, recovery_us;
    uint64_t down_after, up_after;
    struct settings_strings families;  /* "ipv4", "ipv6": each must be there; none: whichever is */
    struct settings_strings addresses; /* numeric; asked instead of those of the name */
    unsigned partial;             /* enum probe_partial: what it is when some addresses can't be reached */
    unsigned profile;             /* enum liveness_profile */
    struct settings_pairs checks; /* of liveness_policy_set */

    char *authorities;                     /* PEM, for TLS; NULL: the system's */
    char *client_certificate, *client_key; /* files, for https; NULL: none is shown */

    /* ocsp, crl, tsa */
    char *issuer;
    struct settings_strings certificates, revoked; /* files */
    struct settings_strings serials;
    bool unissued;
    struct settings_strings methods, digests; /* "get", "post"; "sha1", "sha256" */
    char *uri, *ocsp;
    uint64_t samples;

    char *device; /* cacert */

    /* tls */
    char *server_name, *alpn;
    char *weak_keys; /* a file */
    bool starttls, old_protocols;

    /* http, grpc */
    char *preset, *body, *service;
    struct settings_strings status, values;

    char *policy;                        /* tsa: an object identifier */
    char *mechanism;                     /* pkcs11: CKM_… */
    struct settings_strings environment; /* pkcs11, command, queue: "NAME=value" */

    /* dns */
    struct settings_strings servers, expected_addresses;
    char *resolver;

    char *send, *expect; /* tcp */

    /* command, queue */
    struct settings_strings command;
    char *user;
    uint64_t age_most_us, count_most, number_most; /* 0: no bound */
};

extern const struct settings_table probe_settings_items; /* for a list of them in another table */
const struct settings_table *probe_settings_table(void);

/* The profile with what `checks` says; false where one of them is none. */
bool probe_settings_policy(const struct probe_settings *settings, struct liveness_policy *ret_policy,
                           struct fault *fault);
/* The target, or what stands for it: a device, a program; "" where there is none. */
const char *probe_settings_whom(const struct probe_settings *settings);
/* Its own name, or the kind and whom it asks. */
const char *probe_settings_name(const struct probe_settings *settings, char ret_name[PROBE_NAME_SIZE]);
struct probe_bounds probe_settings_bounds(const struct probe_settings *settings);

/* Whether a list of words has that one. */
bool settings_strings_has(const struct settings_strings *strings, const char *word);

#endif
