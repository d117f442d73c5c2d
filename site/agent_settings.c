#include "agent_settings.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "membership.h"
#include "memory.h"

#define MEMBER(member) offsetof(struct agent_settings, member)
#define DEFAULT_PORT 7514u
#define SOURCE(member) offsetof(struct agent_source_settings, member)

/* In the order of enum event_class, AGENT_CLASS_AUTOMATIC last. */
static const char *const class_words[] = {
    "journal",       "network", "system", "access",     "application", "signing",
    "configuration", "report",  "issued", "revocation", "automatic",   NULL,
};
_Static_assert(sizeof class_words / sizeof *class_words == CLASSES + 2, "a word for each class");

static const struct settings_row source_rows[] = {
    {.type = SETTINGS_PLACE, .offset = SOURCE(place)},
    {.path = "file",
     .type = SETTINGS_PATH,
     .offset = SOURCE(file),
     .about = "A file that is followed line by line, through rotations; a glob follows all that match. One "
              "that is not "
              "there yet is waited for.",
     .example = "/var/log/auth.log"},
    {.path = "exclude",
     .type = SETTINGS_STRINGS,
     .offset = SOURCE(exclude),
     .about = "Globs of files that are left out although \"file\" matches them.",
     .example = "[/var/log/app/*.gz]"},
    {.path = "from_end",
     .type = SETTINGS_BOOL,
     .offset = SOURCE(from_end),
     .standard = "false",
     .about =
         "Whether a file that is seen for the first time is read from its end instead of its beginning."},
    {.path = "multiline.start",
     .type = SETTINGS_STRING,
     .offset = SOURCE(multiline.start),
     .maximum = 4096,
     .about = "A regular expression (PCRE2) that the first line of each record matches; lines that do not "
              "are joined to "
              "the record before them.",
     .example = "'^\\d{4}-\\d{2}-\\d{2} '"},
    {.path = "multiline.timeout",
     .type = SETTINGS_DURATION,
     .offset = SOURCE(multiline.timeout_us),
     .standard = "2s",
     .minimum = 10000,
     .maximum = 600000000,
     .about = "How long an unfinished record waits for its next line."},
    {.path = "journal",
     .type = SETTINGS_BOOL,
     .offset = SOURCE(journal),
     .standard = "false",
     .about = "The systemd journal of this host."},
    {.path = "unless",
     .type = SETTINGS_STRINGS,
     .offset = SOURCE(unless),
     .about = "The journal is left alone while one of these files exists: then the same lines are in them.",
     .example = "[/var/log/auth.log, /var/log/syslog]"},
    {.path = "command",
     .type = SETTINGS_STRINGS,
     .offset = SOURCE(command),
     .maximum = 256,
     .about =
         "A program and its arguments, run again and again without a shell; each line it writes is an event.",
     .example = "[df, -P]"},
    {.path = "every",
     .type = SETTINGS_DURATION,
     .offset = SOURCE(every_us),
     .standard = "60s",
     .minimum = 1000000,
     .maximum = 86400000000u * 7,
     .about = "The time from one start of the command to the next."},
    {.path = "timeout",
     .type = SETTINGS_DURATION,
     .offset = SOURCE(timeout_us),
     .standard = "30s",
     .minimum = 100000,
     .maximum = 3600000000u,
     .about = "The command is killed when it runs longer."},
    {.path = "class",
     .type = SETTINGS_WORD,
     .offset = SOURCE(class),
     .standard = "automatic",
     .words = class_words,
     .about = "The retention class of its events; \"automatic\", for the journal alone, goes by facility and "
              "unit."},
};

/* Which of the kinds' own settings stand with which kind. */
static bool source_check(const void *target, struct fault *fault) {
    const struct agent_source_settings *source = target;
    bool command = source->command.count != 0;
    int kinds = (source->file != NULL) + source->journal + command;
    if (kinds != 1)
        return fault_set(fault, FAULT_USAGE, "a source has one of file, journal: true and command%s",
                         kinds ? ": make several of it" : "");
    if (source->class == CLASS_JOURNAL)
        return fault_set(fault, FAULT_USAGE,
                         "the class journal is kept for Tocsin's own events: choose another");
    if (!source->journal && source->class == AGENT_CLASS_AUTOMATIC)
        return fault_set(fault, FAULT_USAGE, "this source needs a class, for example class: %s",
                         command ? "system" : "access");
    if (!source->journal && source->unless.count)
        return fault_set(fault, FAULT_USAGE, "unless belongs to journal: true");
    if (!source->file && (source->exclude.count || source->from_end || source->multiline.start))
        return fault_set(fault, FAULT_USAGE, "exclude, from_end and multiline belong to file");
    if (source->file && source->file[0] != '/')
        return fault_set(fault, FAULT_USAGE, "file \"%.100s\" must begin with /", source->file);
    if (command && source->command.count == 1 && strchr(source->command.items[0], ' '))
        return fault_set(fault, FAULT_USAGE,
                         "there is no shell: write the command as a list, for example [df, -P]");
    return true;
}

static const struct settings_table source_table =
    SETTINGS_TABLE(source_rows, struct agent_source_settings, source_check);

static const struct settings_row rows[] = {
    {.path = "collector",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(collectors),
     .maximum = MEMBERSHIP_COLLECTORS_MOST,
     .required = true,
     .about =
         "Where the events are sent: an address, or a list of several; the port is 7514 where none is "
         "written. "
         "`tocsin-agent --join` adds one, and each gets everything. One that is taken away is left: what was "
         "kept for it alone goes.",
     .example = "logs.example.org:7514"},
    {.path = "name",
     .type = SETTINGS_STRING,
     .offset = MEMBER(name),
     .maximum = 200,
     .about = "This host's name as it joined; without it, what the host calls itself.",
     .example = "signer1"},
    {.path = "data",
     .type = SETTINGS_PATH,
     .offset = MEMBER(data),
     .standard = "data",
     .about = "The folder of keys, positions and the spool."},
    {.path = "sources",
     .type = SETTINGS_LIST,
     .offset = MEMBER(sources),
     .items = &source_table,
     .maximum = 1000,
     .about = "What is read.",
     .example = "[{file: /var/log/auth.log, class: access}, {journal: true, unless: [/var/log/auth.log]}]"},
    {.path = "probes",
     .type = SETTINGS_LIST,
     .offset = MEMBER(probes),
     .items = &probe_settings_items,
     .maximum = 5000,
     .about = "What is asked again and again whether it is alive and right; `tocsin probe` asks once, with "
              "the same keys.",
     .example =
         "[{kind: ocsp, target: 'http://ocsp.example.org/', issuer: ca.pem, certificates: [www.pem]}]"},
    {.path = "spool.limit",
     .type = SETTINGS_SIZE,
     .offset = MEMBER(spool.limit),
     .standard = "1G",
     .minimum = 16 << 20,
     .about = "How much the spool may hold; past it, bodies are dropped by their class, and a signed gap "
              "says so."},
    {.path = "spool.path",
     .type = SETTINGS_PATH,
     .offset = MEMBER(spool.path),
     .about = "The spool's folder, where it is not to be in the data folder.",
     .example = "/var/spool/tocsin"},
    {.path = "heartbeat",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(heartbeat_us),
     .standard = "10m",
     .minimum = 10000000,
     .maximum = 86400000000u,
     .about = "The most time between two signed entries of a stream, also of an idle one; 60s for signers "
              "and their like."},
    {.path = "batch.close_after",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(batch.close_after_us),
     .standard = "60s",
     .minimum = 1000000,
     .maximum = 3600000000u,
     .about = "A batch of events is closed and signed this long after its first event at the latest."},
    {.path = "metrics",
     .type = SETTINGS_ENDPOINT,
     .offset = MEMBER(metrics),
     .about = "Where metrics are served for Prometheus; without it, nowhere.",
     .example = "127.0.0.1:9514"},
};

/* One file in two sources would be read once, by whichever came first: their positions have one key. */
static bool files_once(const struct agent_settings *settings, struct fault *fault) {
    const struct agent_source_settings *all = settings->sources.items;
    for (size_t i = 0; i < settings->sources.count; i++)
        for (size_t j = 0; j < i; j++)
            if (all[i].file && all[j].file && strcmp(all[i].file, all[j].file) == 0)
                return fault_set(fault, FAULT_USAGE, "%.200s stands in two sources (%s, %s): take one out",
                                 all[i].file, all[j].place, all[i].place);
    return true;
}

struct named_probe {
    char name[PROBE_NAME_SIZE];
    const char *place;
};

static int compare_names(const void *a, const void *b) {
    const struct named_probe *one = a, *other = b;
    return strcmp(one->name, other->name);
}

/* What a probe's states and alerts are found by. */
static bool probe_names_once(const struct agent_settings *settings, struct fault *fault) {
    const struct probe_settings *all = settings->probes.items;
    size_t count = settings->probes.count;
    CLEANUP_FREE struct named_probe *names = memory_new_array(count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        probe_settings_name(&all[i], names[i].name);
        names[i].place = all[i].place;
    }
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++)
        if (strcmp(names[i - 1].name, names[i].name) == 0)
            return fault_set(fault, FAULT_USAGE, "two probes are called \"%.100s\" (%s, %s): give one a name of its own",
                             names[i].name, names[i - 1].place, names[i].place);
    return true;
}

bool agent_settings_address(const char *text, char ret_address[AGENT_ADDRESS_SIZE], struct fault *fault) {
    struct settings_address address;
    if (!settings_address_parse(slice_string(text), DEFAULT_PORT, &address))
        address = (struct settings_address){NULL, 0};
    char *host = address.host;
    int size = host ? snprintf(ret_address, AGENT_ADDRESS_SIZE, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
                               address.port)
                    : 0;
    free(host);
    return (address.port && size < (int)AGENT_ADDRESS_SIZE) ||
           fault_set(fault, FAULT_USAGE,
                     "collector \"%.100s\" is no address, for example logs.example.org:7514", text);
}

static bool collectors_good(const struct agent_settings *settings, struct fault *fault) {
    char addresses[MEMBERSHIP_COLLECTORS_MOST][AGENT_ADDRESS_SIZE];
    for (size_t i = 0; i < settings->collectors.count; i++) {
        if (!agent_settings_address(settings->collectors.items[i], addresses[i], fault))
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(addresses[i], addresses[j]) == 0)
                return fault_set(fault, FAULT_USAGE, "collector %s stands there twice: take one out",
                                 addresses[i]);
    }
    return true;
}

static bool check(const void *target, struct fault *fault) {
    const struct agent_settings *settings = target;
    if (settings->name && !host_name_good(slice_string(settings->name)))
        return fault_set(fault, FAULT_USAGE,
                         "name \"%.100s\" must be of lower-case letters, digits, hyphens and dots",
                         settings->name);
    return collectors_good(settings, fault) && files_once(settings, fault) &&
           probe_names_once(settings, fault);
}

static const struct settings_table table = SETTINGS_TABLE(rows, struct agent_settings, check);

const struct settings_table *agent_settings_table(void) {
    return &table;
}
