#include "collector_settings.h"

#include <stddef.h>

#define MEMBER(member) offsetof(struct collector_settings, member)
#define WITNESS(member) offsetof(struct collector_witness_settings, member)
#define WEBHOOK(member) offsetof(struct collector_webhook_settings, member)

/* In the order of enum collector_starttls. */
static const char *const starttls_words[] = {"automatic", "required", "never", NULL};

static const struct settings_row webhook_rows[] = {
    {.type = SETTINGS_PLACE, .offset = WEBHOOK(place)},
    {.path = "url",
     .type = SETTINGS_STRING,
     .offset = WEBHOOK(url),
     .maximum = 2048,
     .required = true,
     .about = "Where each alert is posted as JSON.",
     .example = "https://chat.example.org/hooks/abc"},
    {.path = "headers",
     .type = SETTINGS_PAIRS,
     .offset = WEBHOOK(headers),
     .maximum = 8192,
     .about = "Headers that are sent with it.",
     .example = "{Authorization: Bearer abc}"},
    {.path = "ca",
     .type = SETTINGS_PATH,
     .offset = WEBHOOK(ca),
     .about =
         "The authorities that the server's certificate may come from, in PEM; without it, the system's.",
     .example = "/etc/tocsin/chat-ca.pem"},
    {.path = "timeout",
     .type = SETTINGS_DURATION,
     .offset = WEBHOOK(timeout_us),
     .standard = "10s",
     .minimum = 100000,
     .maximum = 600000000,
     .about = "After it the try counts as failed; there will be others."},
};

static bool url_good(const char *url, struct fault *fault) {
    if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
        return fault_set(fault, FAULT_USAGE, "url must begin with https:// or http://");
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return fault_set(fault, FAULT_USAGE, "url has a blank or a control character in it");
    return true;
}

/* A line end in a header would begin another one. */
static bool header_good(const struct settings_pair *header) {
    for (const char *c = header->name; *c; c++)
        if (*c <= ' ' || *c == ':' || *c == 0x7f)
            return false;
    return strpbrk(header->value, "\r\n") == NULL;
}

static bool webhook_check(const void *target, struct fault *fault) {
    const struct collector_webhook_settings *webhook = target;
    if (!url_good(webhook->url, fault))
        return false;
    for (size_t i = 0; i < webhook->headers.count; i++)
        if (!header_good(&webhook->headers.items[i]))
            return fault_set(fault, FAULT_USAGE,
                             "headers: this is no header's name, or its value has a line end");
    return true;
}

static const struct settings_table webhook_table =
    SETTINGS_TABLE(webhook_rows, struct collector_webhook_settings, webhook_check);

static const struct settings_row witness_rows[] = {
    {.type = SETTINGS_PLACE, .offset = WITNESS(place)},
    {.path = "url",
     .type = SETTINGS_STRING,
     .offset = WITNESS(url),
     .maximum = 2048,
     .required = true,
     .about = "Where it is asked; add-checkpoint is put behind it.",
     .example = "https://witness.example.org:7516"},
    {.path = "key",
     .type = SETTINGS_STRING,
     .offset = WITNESS(key),
     .maximum = 512,
     .required = true,
     .about = "Its verifier key: `tocsin-witness --print-key` on its machine.",
     .example = "\"witness.example.org+af0cfe78+BOqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop8\""},
    {.path = "ca",
     .type = SETTINGS_PATH,
     .offset = WITNESS(ca),
     .about =
         "The authorities that the server's certificate may come from, in PEM; without it, the system's.",
     .example = "/etc/tocsin/witness-ca.pem"},
};

static bool witness_check(const void *target, struct fault *fault) {
    const struct collector_witness_settings *witness = target;
    return url_good(witness->url, fault);
}

static const struct settings_table witness_table =
    SETTINGS_TABLE(witness_rows, struct collector_witness_settings, witness_check);

static const struct settings_row rows[] = {
    {.path = "listen",
     .type = SETTINGS_ADDRESS,
     .offset = MEMBER(listen),
     .standard = "0.0.0.0:7514",
     .minimum = 7514,
     .about = "Where agents connect; port 0 takes a free one."},
    {.path = "data",
     .type = SETTINGS_PATH,
     .offset = MEMBER(data),
     .standard = "data",
     .about = "The folder of keys and the store."},
    {.path = "mail.server",
     .type = SETTINGS_ADDRESS,
     .offset = MEMBER(mail.server),
     .minimum = 25,
     .about = "The mail server that alerts are handed to; the port is 25 where none is written.",
     .example = "mail.example.org:587"},
    {.path = "mail.from",
     .type = SETTINGS_STRING,
     .offset = MEMBER(mail.from),
     .maximum = 254,
     .about = "The sender's address.",
     .example = "tocsin@example.org"},
    {.path = "mail.to",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(mail.to),
     .maximum = 100,
     .about = "Who gets the alerts.",
     .example = "[admins@example.org]"},
    {.path = "mail.user",
     .type = SETTINGS_STRING,
     .offset = MEMBER(mail.user),
     .maximum = 254,
     .about = "The name to log in with, where the server wants one.",
     .example = "tocsin"},
    {.path = "mail.password_file",
     .type = SETTINGS_PATH,
     .offset = MEMBER(mail.password_file),
     .about = "A file whose first line is the password.",
     .example = "mail-password"},
    {.path = "mail.starttls",
     .type = SETTINGS_WORD,
     .offset = MEMBER(mail.starttls),
     .standard = "automatic",
     .words = starttls_words,
     .about = "Whether the connection is encrypted: where the server offers it, always, or never."},
    {.path = "mail.ca",
     .type = SETTINGS_PATH,
     .offset = MEMBER(mail.ca),
     .about =
         "The authorities that the server's certificate may come from, in PEM; without it, the system's.",
     .example = "/etc/tocsin/mail-ca.pem"},
    {.path = "webhooks",
     .type = SETTINGS_LIST,
     .offset = MEMBER(webhooks),
     .items = &webhook_table,
     .maximum = 100,
     .about = "Where else alerts are told.",
     .example = "[{url: \"https://chat.example.org/hooks/abc\"}]"},
    {.path = "rules",
     .type = SETTINGS_PATHS,
     .offset = MEMBER(rules),
     .standard = "[/usr/share/tocsin/rules]",
     .maximum = 1000,
     .about = "Folders and files of Sigma rules."},
    {.path = "decoders",
     .type = SETTINGS_PATHS,
     .offset = MEMBER(decoders),
     .standard = "[/usr/share/tocsin/decoders]",
     .maximum = 1000,
     .about = "Folders and files that say how lines are taken apart."},
    {.path = "core",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(core),
     .maximum = 1000,
     .about = "Hosts of core services (signer, OCSP, CRL): whatever is critical there is told at once, "
              "whatever its "
              "class. Names or globs; the collector is always one.",
     .example = "[signer1, \"ocsp*\"]"},
    {.path = "query.socket",
     .type = SETTINGS_PATH,
     .offset = MEMBER(query.socket),
     .about =
         "The local socket that answers questions; without it, in the collector's part of the data folder.",
     .example = "/run/tocsin/query.socket"},
    {.path = "store.floor",
     .type = SETTINGS_SIZE,
     .offset = MEMBER(store.floor),
     .about =
         "Free bytes under which nothing more is taken; without it 512M, or a sixteenth of a small disk.",
     .example = "512M"},
    {.path = "store.warn",
     .type = SETTINGS_SIZE,
     .offset = MEMBER(store.warn),
     .about = "Free bytes under which an alert says that the disk fills up; without it a tenth of the disk.",
     .example = "50G"},
    {.path = "store.warn_before",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(store.warn_before_us),
     .standard = "30d",
     .about = "The same alert when the disk will be full sooner, at the pace of the last two weeks."},
    {.path = "store.ballast",
     .type = SETTINGS_SIZE,
     .offset = MEMBER(store.ballast),
     .about = "Bytes kept to start again on a full disk; without it 64M, or a sixty-fourth of a small disk.",
     .example = "64M"},
    {.path = "store.cache",
     .type = SETTINGS_SIZE,
     .offset = MEMBER(store.cache),
     .standard = "16M",
     .minimum = 1 << 20,
     .about = "Memory for what was read last."},
    {.path = "checkpoint.every",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(checkpoint.every_us),
     .standard = "1s",
     .minimum = 100000,
     .maximum = 10000000,
     .about =
         "The log is signed no more often than this while entries come in, and at the latest after it; where "
         "somebody waits, after 200 ms. Every checkpoint is kept for ever, about 200 bytes."},
    {.path = "silence.after",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(silence.after_us),
     .standard = "15s",
     .minimum = 6000000,
     .maximum = 86400000000u,
     .about = "An agent that has sent nothing for so long is silent; agents send a sign of life every 5 s."},
    {.path = "pace.minimum",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(pace.minimum_us),
     .standard = "1s",
     .minimum = 100000,
     .maximum = 60000000,
     .about = "The least time between two signatures of an agent's open batch; under load the collector asks "
              "for fewer."},
    {.path = "seal.size",
     .type = SETTINGS_SIZE,
     .offset = MEMBER(seal.size),
     .standard = "128M",
     .minimum = 1 << 20,
     .maximum = 1 << 30,
     .about = "Closed batches are sealed into segments when their events have so many bytes of text; more "
              "makes searches "
              "faster and takes a quarter of it as memory while it is done."},
    {.path = "seal.after",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(seal.after_us),
     .standard = "1h",
     .minimum = 1000000,
     .maximum = 86400000000u,
     .about =
         "What came in so long ago is sealed, however little it is; a day's end seals the day in any case."},
    {.path = "alerts.repeat",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(alerts.repeat_us),
     .standard = "1h",
     .minimum = 1000000,
     .maximum = 86400000000u * 30,
     .about = "An alert that goes on is told again no sooner than this."},
    {.path = "alerts.acknowledged",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(alerts.acknowledged_us),
     .standard = "12h",
     .minimum = 1000000,
     .maximum = 86400000000u * 30,
     .about = "The same for one that somebody has acknowledged: it is told again as long as it goes on."},
    {.path = "alerts.window",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(alerts.window_us),
     .standard = "5m",
     .minimum = 1000000,
     .maximum = 86400000000u,
     .about = "Alerts of one rule about one entity within this time are one alert with a count."},
    {.path = "witnesses.needed",
     .type = SETTINGS_UNSIGNED,
     .offset = MEMBER(witnesses.needed),
     .standard = "1",
     .maximum = 16,
     .about = "How many of the witnesses must have cosigned a checkpoint before it is published; 0 publishes "
              "at once."},
    {.path = "witnesses.list",
     .type = SETTINGS_LIST,
     .offset = MEMBER(witnesses.list),
     .items = &witness_table,
     .maximum = 16,
     .about = "Who cosigns this log's checkpoints (C2SP tlog-witness); read at a start.",
     .example = "[{url: \"https://witness.example.org:7516\", key: \"witness.example.org+af0cfe78+BOqJ…\"}]"},
    {.path = "witnesses.patience",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(witnesses.patience_us),
     .standard = "10m",
     .minimum = 1000000,
     .maximum = 86400000000u * 30,
     .about = "A witness that does not cosign for so long is an alert, and so is a quorum that is missing."},
    {.path = "backup.folder",
     .type = SETTINGS_PATH,
     .offset = MEMBER(backup.folder),
     .about = "Where the collector keeps backups of itself, encrypted, on another disk. "
              "Without it none are made.",
     .example = "/srv/backup/tocsin"},
    {.path = "backup.keys",
     .type = SETTINGS_PATH,
     .offset = MEMBER(backup.keys),
     .about = "Where the keys of sealed days are copied to: apart from backup.folder, and nowhere copied "
              "from, since erasing "
              "a day overwrites its key there, too.",
     .example = "/srv/backup-keys/tocsin"},
    {.path = "backup.key",
     .type = SETTINGS_PATH,
     .offset = MEMBER(backup.key),
     .about = "The file with the key that backups are encrypted under, made where there is none; without it "
              "backup.key in the "
              "collector's part of the data folder. Keep a copy elsewhere: nothing opens without it.",
     .example = "backup.key"},
    {.path = "backup.every",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(backup.every_us),
     .standard = "24h",
     .minimum = 60000000,
     .maximum = 86400000000u * 7,
     .about = "Between two backups; what is committed in between follows within a second."},
    {.path = "metrics",
     .type = SETTINGS_ENDPOINT,
     .offset = MEMBER(metrics),
     .about = "Where metrics are served for Prometheus; without it, nowhere.",
     .example = "127.0.0.1:9515"},
    {.path = "log_pages.listen",
     .type = SETTINGS_ADDRESS,
     .offset = MEMBER(log_pages.listen),
     .minimum = 7517,
     .about = "Where other people's monitors read the log (checkpoint, tiles, entries; C2SP tlog-tiles); without it, nowhere. "
              "Entries name hosts, boot times and counts of events: show them to those who may know. Any address but "
              "loopback needs log_pages.tls.certificate and log_pages.tls.key.",
     .example = "127.0.0.1:7517"},
    {.path = "log_pages.tls.certificate",
     .type = SETTINGS_PATH,
     .offset = MEMBER(log_pages.tls.certificate),
     .about = "The certificate of these pages with its chain, in PEM; read at the start.",
     .example = "/etc/tocsin/pages.crt"},
    {.path = "log_pages.tls.key",
     .type = SETTINGS_PATH,
     .offset = MEMBER(log_pages.tls.key),
     .about = "Its key, in PEM.",
     .example = "/etc/tocsin/pages.key"},
};

/* Whether a path is another one or begins with it. */
static bool below(const char *path, const char *folder) {
    size_t size = strlen(folder);
    while (size > 1 && folder[size - 1] == '/')
        size--;
    return strncmp(path, folder, size) == 0 &&
           (path[size] == '\0' || path[size] == '/' || folder[size - 1] == '/');
}

static bool check(const void *target, struct fault *fault) {
    const struct collector_settings *settings = target;
    bool mail = settings->mail.server.host != NULL;
    if (mail && (!settings->mail.from || settings->mail.to.count == 0))
        return fault_set(fault, FAULT_USAGE, "mail.server needs mail.from and mail.to with it");
    if (!mail && (settings->mail.from || settings->mail.to.count))
        return fault_set(fault, FAULT_USAGE, "mail.from and mail.to need mail.server with them");
    if ((settings->mail.user != NULL) != (settings->mail.password_file != NULL))
        return fault_set(fault, FAULT_USAGE, "mail.user and mail.password_file stand together");
    if (settings->witnesses.list.count && settings->witnesses.needed > settings->witnesses.list.count)
        return fault_set(fault, FAULT_USAGE, "witnesses.needed is more than there are in witnesses.list");
    if (settings->mail.user && settings->mail.starttls == STARTTLS_NEVER)
        return fault_set(fault, FAULT_USAGE, "mail.starttls: never would send the password in clear");
    if ((settings->log_pages.tls.certificate != NULL) != (settings->log_pages.tls.key != NULL))
        return fault_set(fault, FAULT_USAGE, "log_pages.tls.certificate and log_pages.tls.key stand together");
    if ((settings->backup.folder != NULL) != (settings->backup.keys != NULL))
        return fault_set(fault, FAULT_USAGE, "backup.folder and backup.keys stand together");
    if (settings->backup.folder && below(settings->backup.keys, settings->backup.folder))
        return fault_set(fault, FAULT_USAGE,
                         "backup.keys must not be in backup.folder: what copies that would copy keys that "
                         "are to be erased");
    return true;
}

static const struct settings_table table = SETTINGS_TABLE(rows, struct collector_settings, check);

const struct settings_table *collector_settings_table(void) {
    return &table;
}
