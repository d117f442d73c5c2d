#include "witness_settings.h"

#include <stddef.h>

#define MEMBER(member) offsetof(struct witness_settings, member)
#define LOG(member) offsetof(struct witness_log_settings, member)

static const struct settings_row log_rows[] = {
    {.type = SETTINGS_PLACE, .offset = LOG(place)},
    {.path = "key",
     .type = SETTINGS_STRING,
     .offset = LOG(key),
     .maximum = 512,
     .required = true,
     .about = "The log's verifier key, as `tocsin status` at the collector shows it; it names the log.",
     .example = "\"logs.example.org/tocsin+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\""},
};

static const struct settings_table log_table = SETTINGS_TABLE(log_rows, struct witness_log_settings, NULL);

static const struct settings_row rows[] = {
    {.path = "listen",
     .type = SETTINGS_ADDRESS,
     .offset = MEMBER(listen),
     .standard = "127.0.0.1:7516",
     .minimum = 7516,
     .about =
         "Where collectors ask; port 0 takes a free one. Any address but loopback needs tls.certificate and "
         "tls.key."},
    {.path = "name",
     .type = SETTINGS_STRING,
     .offset = MEMBER(name),
     .maximum = 255,
     .about = "The witness's name, part of its verifier key: it stays what it was at the first start. "
              "Without it, the "
              "host's.",
     .example = "witness.example.org/w1"},
    {.path = "data",
     .type = SETTINGS_PATH,
     .offset = MEMBER(data),
     .standard = "data",
     .about = "The folder of the key and of what was cosigned."},
    {.path = "logs",
     .type = SETTINGS_LIST,
     .offset = MEMBER(logs),
     .items = &log_table,
     .maximum = 1000,
     .about = "The logs that are cosigned.",
     .example = "[{key: \"logs.example.org/tocsin+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\"}]"},
    {.path = "tls.certificate",
     .type = SETTINGS_PATH,
     .offset = MEMBER(tls.certificate),
     .about = "The server's certificate with its chain, in PEM; read at the start.",
     .example = "/etc/tocsin/witness.crt"},
    {.path = "tls.key",
     .type = SETTINGS_PATH,
     .offset = MEMBER(tls.key),
     .about = "Its key, in PEM.",
     .example = "/etc/tocsin/witness.key"},
    {.path = "metrics",
     .type = SETTINGS_ENDPOINT,
     .offset = MEMBER(metrics),
     .about = "Where metrics are served for Prometheus; without it, nowhere.",
     .example = "127.0.0.1:9516"},
};

static bool check(const void *target, struct fault *fault) {
    const struct witness_settings *settings = target;
    if ((settings->tls.certificate != NULL) != (settings->tls.key != NULL))
        return fault_set(fault, FAULT_USAGE, "tls.certificate and tls.key stand together");
    if (settings->logs.count == 0)
        return fault_set(fault, FAULT_USAGE,
                         "logs names no log: `tocsin status` at the collector shows its verifier key");
    return true;
}

static const struct settings_table table = SETTINGS_TABLE(rows, struct witness_settings, check);

const struct settings_table *witness_settings_table(void) {
    return &table;
}
