/* The program and the agent are killed at random points, again and again; what stands in the file in the end is every number
 * once, in order. TOCSIN_SEED=n runs with that seed, TOCSIN_KILLS=n kills so often.
 *
 * The agent here is a process of its own, with helper_source as its only source and a file for a spool: each turn is one
 * write of one line, "numbers;position\n", and a line without its end does not count. */
#include "cmocka_all.h"
#include "helper_source.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "process.h"

enum { KILLS = 200, GROUP_EVENTS = 40, LIFE_MOST_US = 120000, WAITS_MOST = 600, WAIT_MS = 100 };

static uint64_t random_state;
static unsigned random_below(unsigned most) { /* xorshift64* */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (unsigned)((random_state * 2685821657736338717u) >> 33) % most;
}

/* --- the agent --- */

struct agent {
    struct source_output output;
    struct source *source;
    int file;
    char position[24]; /* on disk; empty: none */
    char fresh[24];    /* of this turn */
    struct buffer line;
    unsigned events, failures;
};

static bool take_event(void *context, enum event_class class, const struct event_body *body) {
    struct agent *agent = context;
    (void)class;
    if (agent->events >= GROUP_EVENTS)
        return false;
    if (body->kind == EVENT_STATE)
        agent->failures++;
    else
        buffer_printf(&agent->line, "%" PRIu64 " ", body->offset);
    agent->events++;
    return true;
}

static bool room(void *context, size_t events, size_t bytes) {
    const struct agent *agent = context;
    (void)bytes;
    return agent->events + events <= GROUP_EVENTS;
}

static void take_position(void *context, struct slice key, struct slice value) {
    struct agent *agent = context;
    if (!slice_equal(key, SLICE("test:next")))
        abort();
    snprintf(agent->fresh, sizeof agent->fresh, "%.*s", SLICE_ARG(value));
}

static bool restore(void *context, struct slice key, struct slice *ret_value) {
    struct agent *agent = context;
    *ret_value = slice_string(agent->position);
    return agent->position[0] && slice_equal(key, SLICE("test:next"));
}

static void restore_each(void *context, struct slice prefix,
                         void (*each)(void *each_context, struct slice key, struct slice value),
                         void *each_context) {
    const struct agent *agent = context;
    if (agent->position[0] && slice_starts(SLICE("test:next"), prefix))
        each(each_context, SLICE("test:next"), slice_string(agent->position));
}

/* One record: the turn's events and its position, or nothing. */
static void commit(struct agent *agent) {
    if (agent->fresh[0]) {
        buffer_printf(&agent->line, ";%s\n", agent->fresh);
        if (write(agent->file, agent->line.data, agent->line.size) != (ssize_t)agent->line.size)
            abort();
        memcpy(agent->position, agent->fresh, sizeof agent->position);
    } else if (agent->line.size) {
        abort(); /* events without their position: a group was cut */
    }
    buffer_clear(&agent->line);
    agent->fresh[0] = 0;
    agent->events = 0;
}

static pid_t process_of(const struct agent *agent) {
    char text[PROCESS_PATH_MOST];
    uint64_t lag;
    agent->source->operations->describe(agent->source, text, sizeof text, &lag);
    const char *number = strstr(text, "as process ");
    return number ? (pid_t)atoi(number + strlen("as process ")) : 0;
}

/* Turns for ever, now and then killing the program; tells each program's number to `tell`. */
static _Noreturn void run_agent(const char *path, const char *position, int tell) {
    struct agent agent = {.line = BUFFER(1u << 20), .file = open(path, O_WRONLY | O_APPEND)};
    char program[PROCESS_PATH_MOST];
    const struct slice behaviour = SLICE("count");
    agent.output = (struct source_output){&agent, take_event, room, take_position, restore, restore_each};
    snprintf(agent.position, sizeof agent.position, "%s", position);
    if (!process_beside("helper_stand_in", program))
        abort();
    const struct helper_source_settings settings = {
        .name = "test", .program = program, .settings = &behaviour, .setting_count = 1};
    agent.source = helper_source_create(&settings, &agent.output, NULL);
    uint64_t now_us = 1700000000000000u;
    for (pid_t told = 0;;) {
        uint64_t next_us = agent.source->operations->turn(agent.source, now_us);
        commit(&agent);
        pid_t process = process_of(&agent);
        if (process && process != told && write(tell, &process, sizeof process) != sizeof process)
            abort();
        told = process;
        if (process && random_below(150) == 0)
            kill(process, SIGKILL);
        if (!process)
            now_us = next_us; /* its pause */
        struct pollfd wanted = {.fd = agent.source->operations->descriptor(agent.source), .events = POLLIN};
        if (process && next_us > now_us)
            poll(&wanted, 1, WAIT_MS);
    }
}

/* --- the file --- */

/* Reads all whole lines, checks them, cuts off what is behind the last one. Returns the number that comes next. */
static uint64_t read_file(const char *path, char ret_position[24]) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room_of_line = 0;
    ssize_t size;
    long good = 0;
    uint64_t next = 0;
    assert_non_null(file);
    ret_position[0] = 0;
    while ((size = getline(&line, &room_of_line, file)) > 0 && line[size - 1] == '\n') {
        char *at = line;
        while (*at != ';') {
            assert_int_equal(strtoull(at, &at, 10), next);
            next++;
            at++;
        }
        assert_int_equal(strtoull(at + 1, NULL, 10), next); /* the position is just behind its events */
        snprintf(ret_position, 24, "%" PRIu64, next);
        good = ftell(file);
    }
    free(line);
    fclose(file);
    assert_int_equal(truncate(path, good), 0);
    return next;
}

static void wait_until_gone(pid_t process) {
    for (unsigned i = 0; i < WAITS_MOST; i++) {
        char name[64], state = 'Z';
        snprintf(name, sizeof name, "/proc/%d/stat", process);
        FILE *file = fopen(name, "r");
        if (!file)
            return;
        int got = fscanf(file, "%*d %*s %c", &state);
        fclose(file);
        if (got != 1 || state == 'Z')
            return;
        poll(NULL, 0, WAIT_MS);
    }
    fail_msg("process %d has outlived its agent", process);
}

static unsigned from_environment(const char *name, unsigned standard) {
    const char *text = getenv(name);
    return text ? (unsigned)atoi(text) : standard;
}

static void whoever_is_killed_every_number_comes_once(void **state) {
    (void)state;
    char path[] = "/tmp/tocsin-helper-XXXXXX", position[24];
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    unsigned seed = from_environment("TOCSIN_SEED", (unsigned)getpid()), programs = 0;
    random_state = seed * 0x9e3779b97f4a7c15u + 1;
    print_message("seed %u\n", seed);
    uint64_t next = read_file(path, position);
    for (unsigned kills = from_environment("TOCSIN_KILLS", KILLS), kill_nth = 0; kill_nth < kills;
         kill_nth++) {
        int channel[2];
        assert_int_equal(pipe(channel), 0);
        unsigned life_us = random_below(LIFE_MOST_US);
        (void)random_below(2); /* another beginning for each agent */
        pid_t agent = fork();
        if (agent == 0)
            run_agent(path, position, channel[1]);
        close(channel[1]);
        usleep(life_us);
        kill(agent, SIGKILL);
        int status;
        assert_int_equal(waitpid(agent, &status, 0), agent);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* and no abort of its own */
        for (pid_t process; read(channel[0], &process, sizeof process) == sizeof process; programs++)
            wait_until_gone(process);
        close(channel[0]);
        uint64_t now = read_file(path, position);
        assert_true(now >= next);
        next = now;
    }
    print_message("%" PRIu64 " numbers of %u programs\n", next, programs);
    assert_true(next > 0);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_is_killed_every_number_comes_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
