/* collector.yaml as a struct. Reading: settings_start, settings_read for each file, settings_finish,
 * settings_release, all with collector_settings_table() (settings.h). A member's default and meaning stand in
 * the table. */
#ifndef TOCSIN_COLLECTOR_SETTINGS_H
#define TOCSIN_COLLECTOR_SETTINGS_H

#include "settings.h"

enum collector_starttls {
    STARTTLS_AUTOMATIC, /* where the server offers it */
    STARTTLS_REQUIRED,
    STARTTLS_NEVER,
};

struct collector_webhook_settings {
    char *place;
    char *url;
    struct settings_pairs headers;
    char *ca; /* PEM; NULL: the system's */
    uint64_t timeout_us;
};

struct collector_witness_settings {
    char *place;
    char *url;
    char *key; /* a verifier key */
    char *ca;  /* PEM; NULL: the system's */
};

struct collector_settings {
    struct settings_address listen;
    char *data;
    struct {
        struct settings_address server; /* host NULL: no mail is sent */
        char *from;
        struct settings_strings to;
        char *user;
        char *password_file;
        unsigned starttls; /* enum collector_starttls */
        char *ca;          /* PEM; NULL: the system's */
    } mail;
    struct settings_list webhooks;    /* of struct collector_webhook_settings */
    struct settings_strings rules;    /* folders or files */
    struct settings_strings decoders; /* folders or files */
    struct settings_strings core;     /* names or globs of hosts */
    struct {
        char *socket;
    } query;
    struct {
        uint64_t floor, ballast, cache; /* bytes; 0: by the size of the disk (store.h) */
        uint64_t warn;                  /* bytes; 0: a tenth of the disk */
        uint64_t warn_before_us;        /* the time that the disk should last */
    } store;
    struct {
        uint64_t every_us; /* between two checkpoints, while entries come in */
    } checkpoint;
    struct {
        uint64_t after_us; /* without a ping an agent is silent */
    } silence;
    struct {
        uint64_t minimum_us; /* between an agent's parts */
    } pace;
    struct {
        uint64_t size, after_us; /* of a range of the log that becomes segments */
    } seal;
    struct {
        uint64_t repeat_us; /* the same rule and entity is told again no sooner */
        uint64_t acknowledged_us; /* the same of what somebody acknowledged */
        uint64_t window_us; /* alerts of the same rule and entity within it are one */
    } alerts;
    struct {
        uint64_t needed;
        struct settings_list list; /* of struct collector_witness_settings */
        uint64_t patience_us;
    } witnesses;
    struct {
        char *folder;      /* NULL: the collector makes no backups by itself */
        char *keys;        /* the folder of the day keys' copy */
        char *key;         /* the file of the backups' key; NULL: in the collector's folder */
        uint64_t every_us; /* between two sets */
    } backup;
    struct settings_address metrics; /* host NULL: none */
    struct {
        struct settings_address listen; /* the same */
        struct {
            char *certificate, *key; /* paths; both or none */
        } tls;
    } log_pages;
};

const struct settings_table *collector_settings_table(void);

#endif
