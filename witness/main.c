/* tocsin-witness: cosigns the checkpoints of other people's logs, as long as they only grow. The command line. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "memory.h"
#include "notify.h"
#include "process.h"
#include "site.h"
#include "witness_daemon.h"

static int exit_code(const struct fault *fault) {
    return fault->code == FAULT_USAGE || fault->code == FAULT_FORMAT ? 2 : 3;
}

static int run(struct witness_daemon *daemon, const char *data) {
    struct fault fault = {0};
    if (witness_daemon_read(daemon, data, &fault)) {
        if (witness_daemon_start(daemon, &fault)) {
            log_notice("%.*s is ready on %s port %u; %zu logs", SLICE_ARG(note_key_name(&daemon->key)),
                       daemon->settings.listen.host, http_server_port(daemon->server), daemon->log_count);
            notify_ready();
            loop_run(daemon->loop);
            return 0;
        }
        /* What stands on the disk and is not what it must be is damage, not a mistake in the settings. */
        fault.code = fault.code == FAULT_FORMAT ? FAULT_IO : fault.code;
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "tocsin-witness cannot start");
    return exit_code(&fault);
}

static int check(struct witness_daemon *daemon, const char *data) {
    struct fault fault = {0};
    if (witness_daemon_read(daemon, data, &fault)) {
        printf("%s/witness.yaml: good\n", daemon->site);
        for (size_t i = 0; i < daemon->log_count; i++)
            printf("cosigns %.*s\n", SLICE_ARG(note_key_name(&daemon->logs[i])));
        return 0;
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "the settings are not good");
    return exit_code(&fault);
}

/* By root's hand, but for the daemon's user. */
static bool open_key_for_owner(struct witness_daemon *daemon, const char *data, struct fault *fault) {
    char folder[FILES_PATH_MOST];
    return witness_daemon_read(daemon, data, fault) && site_path(folder, daemon->data, SITE_WITNESS_FOLDER) &&
           process_become_owner(folder, fault) && witness_daemon_open_key(daemon, fault);
}

static int print_key(struct witness_daemon *daemon, const char *data) {
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer text = BUFFER(NOTE_VKEY_MOST);
    if (open_key_for_owner(daemon, data, &fault)) {
        note_key_write(&text, &daemon->key);
        puts(buffer_string(&text));
        return 0;
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "there is no key to print");
    return exit_code(&fault);
}

/* A witness.yaml that runs as it is. */
static bool write_settings(const char *site, const char *log_key, const char *name, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(16384);
    char path[FILES_PATH_MOST];
    struct note_key log, own;
    if (!note_key_read(slice_string(log_key), &log, fault))
        return fault_place(fault, "--log");
    /* A name that cannot be one is found here, not at the first start. */
    if (name && !note_key_make(NOTE_KEY_WITNESS, slice_string(name), &log.key, &own, fault))
        return fault_place(fault, "--name");
    buffer_append_string(
        &text, "# This witness, and the logs that it cosigns. `man tocsin-witness.yaml` lists every "
               "setting.\n");
    if (name && !strpbrk(name, "\"\\"))
        buffer_printf(&text, "name: \"%s\"\n", name);
    else if (name)
        return fault_set(fault, FAULT_USAGE, "--name: quotes and backslashes cannot stand in it");
    buffer_printf(&text,
                  "logs:\n"
                  "  - {key: \"%s\"}\n"
                  "\n"
                  "# Collectors on other machines need TLS:\n"
                  "# listen: 0.0.0.0:7516\n"
                  "# tls: {certificate: /etc/tocsin/witness.crt, key: /etc/tocsin/witness.key}\n",
                  log_key);
    if (!files_path(path, site, "witness.yaml"))
        return fault_set(fault, FAULT_LIMIT, "the site's path is too long");
    return files_make_folder(site, 0755, fault) && files_write_new(path, buffer_slice(&text), 0644, fault);
}

static int make_site(struct witness_daemon *daemon, const char *data, const char *log_key, const char *name) {
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer text = BUFFER(NOTE_VKEY_MOST);
    if (write_settings(daemon->site, log_key, name, &fault) && open_key_for_owner(daemon, data, &fault)) {
        note_key_write(&text, &daemon->key);
        printf("%s/witness.yaml is written. At the collector, in collector.yaml:\n\n"
               "witnesses:\n"
               "  needed: 1\n"
               "  list:\n"
               "    - {url: \"http://127.0.0.1:%u\", key: \"%s\"}\n\n"
               "Next: `systemctl enable --now tocsin-witness`, or `tocsin-witness --site %s`.\n",
               daemon->site, daemon->settings.listen.port, buffer_string(&text), daemon->site);
        return 0;
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "no witness is made");
    return exit_code(&fault);
}

static const char usage[] =
    "Usage: tocsin-witness [--site DIR] [--data DIR] [--check | --print-key]\n"
    "       tocsin-witness --log KEY [--name NAME] [--site DIR]\n"
    "\n"
    "Cosigns the checkpoints of collectors' logs (C2SP tlog-witness) as long as they only grow.\n"
    "\n"
    "  --site DIR   the site's folder (TOCSIN_SITE, else " SITE_DEFAULT ")\n"
    "  --data DIR   where the key and what was cosigned are, instead of the setting `data`\n"
    "  --check      reads the settings, says what is wrong with them, and ends\n"
    "  --print-key  prints the verifier key for the collector's settings, and ends; makes the key if there "
    "is none\n"
    "  --log KEY    writes DIR/witness.yaml for the log of that verifier key (`tocsin status` shows it), and "
    "ends\n"
    "  --name NAME  this witness's name in it, for good; otherwise the host's\n"
    "  --verbose    tells more\n"
    "  --version\n"
    "\n"
    "Example: tocsin-witness --log "
    "'logs.example.org/tocsin+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'\n";

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"site", required_argument, NULL, 's'}, {"data", required_argument, NULL, 'd'},
        {"check", no_argument, NULL, 'c'},      {"print-key", no_argument, NULL, 'p'},
        {"log", required_argument, NULL, 'l'},  {"name", required_argument, NULL, 'n'},
        {"verbose", no_argument, NULL, 'v'},    {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},    {NULL, 0, NULL, 0},
    };
    const char *site = getenv("TOCSIN_SITE"), *data = NULL, *log_key = NULL, *name = NULL;
    bool only_check = false, only_print = false;
    log_start(LOG_LEVEL_INFO);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before the first thread */
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 's':
            site = optarg;
            break;
        case 'd':
            data = optarg;
            break;
        case 'c':
            only_check = true;
            break;
        case 'p':
            only_print = true;
            break;
        case 'l':
            log_key = optarg;
            break;
        case 'n':
            name = optarg;
            break;
        case 'v':
            log_start(LOG_LEVEL_DEBUG);
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'V':
            puts("tocsin-witness " TOCSIN_VERSION);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind < argc || (name && !log_key)) {
        fputs(usage, stderr);
        return 2;
    }
    struct witness_daemon *daemon = memory_new(sizeof *daemon);
    daemon->site = site ? site : SITE_DEFAULT;
    daemon->lock = -1;
    process_harden(NULL);
    process_descriptors_raise(1024);
    umask(077);
    int result = log_key      ? make_site(daemon, data, log_key, name)
                 : only_check ? check(daemon, data)
                 : only_print ? print_key(daemon, data)
                              : run(daemon, data);
    witness_daemon_finish(daemon);
    free(daemon);
    return result;
}
