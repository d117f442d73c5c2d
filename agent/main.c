/* tocsin-agent: reads this host's logs, signs them, spools them, sends them. The command line. */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"
#include "daemon_options.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "process.h"
#include "site.h"
#include "site_template.h"

/* What --join was given. */
struct joining_words {
    const char *address, *token, *name;
    bool anew;
};

static int run(struct agent *agent, const char *data) {
    struct fault fault = {0};
    /* Until the loop takes it: `--rotate-key` may send one as soon as the lock names this process. */
    signal(SIGHUP, SIG_IGN);
    if (agent_read_settings(agent->site, &agent->settings, &fault) &&
        agent_set_data(agent, data ? data : agent->settings.data, &fault) && agent_start(agent, &fault)) {
        log_notice("%s is ready: %zu sources", agent->membership.host, sources_count(agent->sources));
        notify_ready();
        loop_run(agent->loop);
        return 0;
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "tocsin-agent cannot start");
    return daemon_exit_code(&fault);
}

/* Settings and sources, without a spool: what is made is thrown away. */
static bool no_event(void *context, enum event_class class, const struct event_body *body) {
    (void)context, (void)class, (void)body;
    return false;
}
static bool no_room(void *context, size_t events, size_t bytes) {
    (void)context, (void)events, (void)bytes;
    return false;
}
static void no_position(void *context, struct slice key, struct slice value) {
    (void)context, (void)key, (void)value;
}
static bool no_restore(void *context, struct slice key, struct slice *ret_value) {
    (void)context, (void)key, (void)ret_value;
    return false;
}
static void no_restore_each(void *context, struct slice prefix,
                            void (*each)(void *, struct slice, struct slice), void *each_context) {
    (void)context, (void)prefix, (void)each, (void)each_context;
}

/* By the program that would run them: the agent itself knows nothing of their kinds. */
static int check_probes(const char *site) {
    char program[PROCESS_PATH_MOST], option[] = "--check";
    CLEANUP_FREE char *folder = memory_copy_string(site);
    char *const words[] = {program, option, folder, NULL};
    pid_t child;
    int status;
    fflush(stdout);
    if (!process_beside("tocsin-prober", program) ||
        posix_spawn(&child, program, NULL, NULL, words, environ) != 0 ||
        waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        fprintf(stderr, "tocsin-agent: %s cannot be run: install it again\n", program);
        return 1;
    }
    return WEXITSTATUS(status) ? 2 : 0;
}

static int check(struct agent *agent) {
    static const struct source_output nothing = {NULL,        no_event,   no_room,
                                                 no_position, no_restore, no_restore_each};
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer text = BUFFER(1024 * 1024);
    agent->loop = loop_create(&fault);
    if (!agent->loop || !agent_read_settings(agent->site, &agent->settings, &fault) ||
        !(agent->sources = sources_create(&agent->settings, agent->site, agent->data, &nothing, agent->loop,
                                          agent_schedule_turn, agent, &fault))) {
        log_fault(LOG_LEVEL_ERROR, &fault, "the settings are not good");
        return daemon_exit_code(&fault);
    }
    sources_describe(agent->sources, &text);
    printf("%s/agent.yaml: %s\n%s", agent->site, agent->settings.probes.count ? "read" : "good",
           buffer_string(&text));
    return agent->settings.probes.count ? check_probes(agent->site) : 0;
}

/* Where the data is: by the settings, where they can be read. */
static bool find_data(struct agent *agent, const char *data, bool *ret_read, struct fault *unread,
                      struct fault *fault) {
    *ret_read = agent_read_settings(agent->site, &agent->settings, unread);
    return agent_set_data(agent, data ? data : *ret_read ? agent->settings.data : "data", fault);
}

static bool in_settings(const struct agent *agent, const char *address) {
    char one[AGENT_ADDRESS_SIZE];
    for (size_t i = 0; i < agent->settings.collectors.count; i++)
        if (agent_settings_address(agent->settings.collectors.items[i], one, NULL) &&
            strcmp(one, address) == 0)
            return true;
    return false;
}

static void print_joined(const struct agent *agent, const char *address, const char *advice) {
    const struct membership *membership = &agent->membership;
    const struct membership_collector *joined = membership_find(membership, NULL, address);
    printf("Joined %s as %s.\n%s", joined->origin, membership->host, advice);
    if (membership->count > 1)
        printf("This host sends to %zu collectors now, to this one from here on.\n", membership->count);
    printf("Next: `systemctl enable --now tocsin-agent`, or `tocsin-agent --site %s`.\n", agent->site);
}

static bool join(struct agent *agent, const char *data, const struct joining_words *joining,
                 struct buffer *advice, char address[AGENT_ADDRESS_SIZE], struct fault *fault) {
    char folder[FILES_PATH_MOST], lock[FILES_PATH_MOST], host[256];
    enum entering entering;
    site_host_name(host);
    if (!agent_settings_address(joining->address, address, fault) ||
        !site_template_agent(agent->site, address, fault))
        return false;
    struct fault unread = {0};
    bool read;
    if (!find_data(agent, data, &read, &unread, fault) ||
        !site_path(folder, agent->data, SITE_AGENT_FOLDER) ||
        !site_path(lock, agent->data, SITE_AGENT_LOCK) ||
        !agent_entering(agent, address, joining->token, joining->anew, &entering, fault))
        return false;
    if (entering == ENTERING_ANOTHER && !read) {
        *fault = unread;
        return false;
    }
    if (entering == ENTERING_ANOTHER && !in_settings(agent, address) &&
        !site_template_collector_too(agent->site, address, fault))
        return false;
    /* By root's hand, but for the daemon's user; and not behind the back of an agent that runs. */
    if (!process_become_owner(folder, fault) || !files_make_folder(folder, 0700, fault))
        return false;
    if (!files_lock(lock, &agent->lock, fault))
        return fault_place(fault, "stop the agent first (systemctl stop tocsin-agent)");
    return agent_join(agent, address, joining->token, joining->name ? joining->name : host, joining->anew,
                      advice, fault);
}

static int join_by_hand(struct agent *agent, const char *data, const struct joining_words *joining) {
    struct fault fault = {0};
    char address[AGENT_ADDRESS_SIZE];
    CLEANUP_BUFFER struct buffer advice = BUFFER(4096);
    if (join(agent, data, joining, &advice, address, &fault)) {
        print_joined(agent, address, buffer_string(&advice));
        return 0;
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "this host has not joined");
    return daemon_exit_code(&fault);
}

static int rotate_by_hand(struct agent *agent, const char *data) {
    struct fault fault = {0};
    char sentence[256];
    if (agent_read_settings(agent->site, &agent->settings, &fault) &&
        agent_set_data(agent, data ? data : agent->settings.data, &fault) &&
        key_rotation_request(agent->data, sentence, sizeof sentence, &fault)) {
        puts(sentence);
        return 0;
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "the signing key is not rotated");
    return daemon_exit_code(&fault);
}

static const struct daemon_words words = {
    .name = "tocsin-agent",
    .forms = "[--site DIR] [--data DIR] [--check]\n"
             "--join ADDRESS --token TOKEN [--name NAME] [--anew] [--site DIR]\n"
             "--rotate-key [--site DIR]",
    .purpose = "Reads this host's logs, signs what it reads and sends it to the collector. SIGHUP reads the "
               "settings again.",
    .data = "where keys and the spool are, instead of the setting `data`",
    .check = "reads the settings, says what would be read or what is wrong, and ends",
    .example =
        "tocsin-agent --join logs.example.org:7514 --token 4uC… && systemctl enable --now tocsin-agent",
};

int main(int argc, char **argv) {
    struct joining_words joining = {NULL, NULL, NULL, false};
    bool rotate = false;
    const struct daemon_option own[] = {
        {"join", "ADDRESS",
         "joins the collector at HOST:PORT and ends; writes DIR/agent.yaml if there is none. A host that "
         "has\n"
         "joined another one sends to both from then on; who joins the same one again gets new keys",
         &joining.address, NULL},
        {"token", "TOKEN", "out of `tocsin join-token HOST` at the collector", &joining.token, NULL},
        {"name", "NAME", "this host's name, where the token leaves it open", &joining.name, NULL},
        {"anew", NULL, "new keys and new streams also where the collector is another one", NULL,
         &joining.anew},
        {"rotate-key", NULL,
         "makes the next signing key and tells the agent that runs here; it signs with it as soon as\n"
         "the collector has taken it, without a restart",
         NULL, &rotate},
        {0},
    };
    struct daemon_options options;
    int result;
    if (!daemon_options_read(&words, own, argc, argv, &options, &result))
        return result;
    if ((joining.address == NULL) != (joining.token == NULL) || (joining.anew && !joining.address)) {
        fputs("tocsin-agent: --join and --token go together, and --anew with them\n", stderr);
        return 2;
    }
    struct agent *agent = memory_new(sizeof *agent);
    agent->site = options.site;
    agent->lock = -1;
    process_harden(NULL);
    process_descriptors_raise(4096);
    loop_workers_set(1);
    umask(077);
    result = joining.address ? join_by_hand(agent, options.data, &joining)
             : rotate        ? rotate_by_hand(agent, options.data)
             : options.check ? check(agent)
                             : run(agent, options.data);
    agent_finish(agent);
    free(agent);
    return result;
}
