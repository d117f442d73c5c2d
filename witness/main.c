/* tocsin-witness: cosigns the checkpoints of other people's logs, as long as they only grow. The command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon_options.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "process.h"
#include "site.h"
#include "witness_daemon.h"

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
    return daemon_exit_code(&fault);
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
    return daemon_exit_code(&fault);
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
    return daemon_exit_code(&fault);
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
    return daemon_exit_code(&fault);
}

static const struct daemon_words words = {
    .name = "tocsin-witness",
    .forms = "[--site DIR] [--data DIR] [--check | --print-key]\n--log KEY [--name NAME] [--site DIR]",
    .purpose = "Cosigns the checkpoints of collectors' logs (C2SP tlog-witness) as long as they only grow.",
    .data = "where the key and what was cosigned are, instead of the setting `data`",
    .check = "reads the settings, says what is wrong with them, and ends",
    .example = "tocsin-witness --log "
               "'logs.example.org/tocsin+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'",
};

int main(int argc, char **argv) {
    const char *log_key = NULL, *name = NULL;
    bool print = false;
    const struct daemon_option own[] = {
        {"print-key", NULL,
         "prints the verifier key for the collector's settings, and ends; makes the key if there is none",
         NULL, &print},
        {"log", "KEY",
         "writes DIR/witness.yaml for the log of that verifier key (`tocsin status` shows it), and ends",
         &log_key, NULL},
        {"name", "NAME", "with --log: this witness's name, for good; otherwise the host's", &name, NULL},
        {0},
    };
    struct daemon_options options;
    int result;
    if (!daemon_options_read(&words, own, argc, argv, &options, &result))
        return result;
    if (name && !log_key) {
        fputs("tocsin-witness: --name goes with --log; later the setting `name` says it\n", stderr);
        return 2;
    }
    struct witness_daemon *daemon = memory_new(sizeof *daemon);
    daemon->site = options.site;
    daemon->lock = -1;
    process_harden(NULL);
    process_descriptors_raise(1024);
    umask(077);
    result = log_key         ? make_site(daemon, options.data, log_key, name)
             : options.check ? check(daemon, options.data)
             : print         ? print_key(daemon, options.data)
                             : run(daemon, options.data);
    witness_daemon_finish(daemon);
    free(daemon);
    return result;
}
