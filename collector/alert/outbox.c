#include "outbox.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bytes.h"
#include "clock.h"
#include "lasting.h"
#include "log.h"
#include "memory.h"
#include "report.h"

#define WAIT_LEAST_US 1000000u
#define WAIT_MOST_US 60000000u
#define ROW_MOST (1024u * 1024)
#define CHANNEL "channel" /* lasting.h: since_us */
#define LOOK_US 5000000u /* a look without a call, so that no wake-up is ever needed for good */

struct channel_thread {
    struct outbox *outbox;
    struct delivery *delivery;
    pthread_t thread;
    bool started;
    /* The one of the same name until a reload: this one's thread waits for its end and goes on where it was. */
    struct channel_thread *before;
    bool leaving;     /* after a reload; under the mutex */
    struct channel_thread *next_left;
    uint64_t next;    /* the row to go on at; the thread's own */
    uint64_t wait_us; /* 0: the last notice went through; written by the thread alone, under the mutex */
    bool down;        /* told, and its end is not; the thread's own */
    uint64_t told_us; /* monotonic */
    uint64_t sent;
    char error[FAULT_LINE_SIZE];
};

struct outbox {
    struct store *store;
    struct committer *committer;
    struct channel_thread **channels;
    size_t channel_count;
    struct channel_thread *left; /* gone from the settings: their threads end when they have sent what is under way */
    _Atomic uint64_t next_number;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    uint64_t wakes; /* counts up */
    bool stopping;
    struct outbox_counts counts;
};

/* ---- rows: block channel ‖ u64 time ‖ u8 urgent ‖ block id ‖ block subject ‖ block text ‖ block json */

void outbox_put(struct outbox *outbox, struct change *change, const struct notice *notice) {
    pthread_mutex_lock(&outbox->mutex);
    for (size_t i = 0; i < outbox->channel_count; i++) {
        uint8_t key[8];
        bytes_put_u64(key, atomic_fetch_add(&outbox->next_number, 1));
        CLEANUP_BUFFER struct buffer row = BUFFER(ROW_MOST);
        bytes_write_block(&row, slice_string(delivery_name(outbox->channels[i]->delivery)));
        bytes_write_u64(&row, notice->time_us);
        bytes_write_u8(&row, notice->urgent);
        bytes_write_block(&row, notice->id);
        bytes_write_block(&row, notice->subject);
        bytes_write_block(&row, notice->text);
        if (bytes_write_block(&row, notice->json))
            change_put(change, STORE_OUTBOX, slice_make(key, 8), buffer_slice(&row));
    }
    pthread_mutex_unlock(&outbox->mutex);
}

static bool read_row(struct slice value, struct slice *ret_channel, struct notice *ret_notice) {
    struct bytes_reader reader = bytes_read(value);
    *ret_channel = bytes_read_block(&reader);
    ret_notice->time_us = bytes_read_u64(&reader);
    ret_notice->urgent = bytes_read_u8(&reader) != 0;
    ret_notice->id = bytes_read_block(&reader);
    ret_notice->subject = bytes_read_block(&reader);
    ret_notice->text = bytes_read_block(&reader);
    ret_notice->json = bytes_read_block(&reader);
    return bytes_read_done(&reader);
}

/* ---- one channel's thread */

static bool is_stopping(struct channel_thread *channel) {
    pthread_mutex_lock(&channel->outbox->mutex);
    bool stopping = channel->outbox->stopping || channel->leaving;
    pthread_mutex_unlock(&channel->outbox->mutex);
    return stopping;
}

static void pause_for(struct channel_thread *channel, uint64_t *seen, uint64_t wait_us, bool until_woken) {
    struct outbox *outbox = channel->outbox;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(wait_us / 1000000);
    until.tv_nsec += (long)(wait_us % 1000000) * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&outbox->mutex);
    int result = 0;
    while (!outbox->stopping && !channel->leaving && !(until_woken && outbox->wakes != *seen) && result == 0)
        result = pthread_cond_timedwait(&outbox->woken, &outbox->mutex, &until);
    *seen = outbox->wakes;
    pthread_mutex_unlock(&outbox->mutex);
}

static struct change *report_channel(const struct channel_thread *channel, const char *event, const char *text) {
    struct change *change = change_create();
    const char *name = delivery_name(channel->delivery);
    const struct report_field fields[] = {{"channel.name", name}, {"error.message", text}, {NULL, NULL}};
    report_state(change, event, fields, "%s: %s", name, text);
    return change;
}

static void report_down(struct channel_thread *channel, bool down, const char *text) {
    struct change *change = report_channel(channel, down ? "channel_down" : "channel_up", text);
    channel->down = down;
    channel->told_us = clock_monotonic_us();
    lasting_put(change, CHANNEL, delivery_name(channel->delivery), down ? clock_wall_us() : 0);
    committer_submit(channel->outbox->committer, change);
}

static void remove_row(struct outbox *outbox, struct slice key) {
    struct change *change = change_create();
    change_delete(change, STORE_OUTBOX, key);
    committer_submit(outbox->committer, change);
}

static void delivered(struct channel_thread *channel) {
    struct outbox *outbox = channel->outbox;
    pthread_mutex_lock(&outbox->mutex);
    channel->wait_us = 0;
    channel->sent++;
    channel->error[0] = '\0';
    outbox->counts.sent++;
    pthread_mutex_unlock(&outbox->mutex);
    if (channel->down) {
        log_notice("%s works again", delivery_name(channel->delivery));
        report_down(channel, false, "works again");
    }
}

static void failed(struct channel_thread *channel, const struct fault *fault) {
    struct outbox *outbox = channel->outbox;
    bool first = channel->wait_us == 0;
    char line[FAULT_LINE_SIZE];
    fault_line(fault, line);
    pthread_mutex_lock(&outbox->mutex);
    channel->wait_us = first ? WAIT_LEAST_US : channel->wait_us * 2 > WAIT_MOST_US ? WAIT_MOST_US : channel->wait_us * 2;
    snprintf(channel->error, sizeof channel->error, "%s", line);
    outbox->counts.failed++;
    pthread_mutex_unlock(&outbox->mutex);
    if (channel->down && clock_monotonic_us() - channel->told_us < LASTING_REMIND_US)
        return;
    log_warning("%s fails, trying again until it works: %s", delivery_name(channel->delivery), line);
    report_down(channel, true, line);
}

/* False: the channel failed, the row stays. */
static bool send_row(struct channel_thread *channel, struct slice key, const struct notice *notice) {
    struct fault fault = {0};
    bool permanent = false;
    if (delivery_send(channel->delivery, notice, &permanent, &fault)) {
        remove_row(channel->outbox, key);
        delivered(channel);
        return true;
    }
    if (!permanent) {
        failed(channel, &fault);
        return false;
    }
    char line[FAULT_LINE_SIZE];
    log_error("%s refuses a notice for good: %s", delivery_name(channel->delivery), fault_line(&fault, line));
    committer_submit(channel->outbox->committer, report_channel(channel, "notice_dropped", line));
    remove_row(channel->outbox, key);
    pthread_mutex_lock(&channel->outbox->mutex);
    channel->outbox->counts.dropped++;
    pthread_mutex_unlock(&channel->outbox->mutex);
    return true;
}

/* Goes over the rows from `next` on once. What is sent is behind us even before its row is gone. */
static bool send_rows(struct channel_thread *channel) {
    struct outbox *outbox = channel->outbox;
    uint8_t from[8];
    bytes_put_u64(from, channel->next);
    struct store_cursor *cursor = store_cursor_create(outbox->store, STORE_OUTBOX, NULL, (struct slice){NULL, 0});
    bool good = true;
    for (bool on = store_cursor_at_or_after(cursor, slice_make(from, 8)); good && on && !is_stopping(channel);
         on = store_cursor_next(cursor)) {
        struct slice name, key = store_cursor_key(cursor);
        struct notice notice;
        uint8_t kept[8];
        if (key.size != 8)
            continue;
        memcpy(kept, key.data, 8);
        if (!read_row(store_cursor_value(cursor), &name, &notice))
            log_error("notice %" PRIu64 " in the outbox cannot be read", bytes_get_u64(kept));
        else if (slice_equal(name, slice_string(delivery_name(channel->delivery))))
            good = send_row(channel, slice_make(kept, 8), &notice);
        if (good)
            channel->next = bytes_get_u64(kept) + 1;
    }
    store_cursor_destroy(cursor);
    return good;
}

static struct channel_thread *channel_destroy(struct channel_thread *channel) {
    if (channel) {
        if (channel->started)
            pthread_join(channel->thread, NULL);
        channel_destroy(channel->before);
        delivery_destroy(channel->delivery);
        free(channel);
    }
    return NULL;
}

/* What was sent is not sent again, though its row may not be gone yet; what failed may still recover. */
static void take_over(struct channel_thread *channel) {
    struct channel_thread *before = channel->before;
    if (!before)
        return;
    if (before->started)
        pthread_join(before->thread, NULL);
    before->started = false;
    pthread_mutex_lock(&channel->outbox->mutex);
    channel->next = before->next;
    channel->wait_us = before->wait_us;
    channel->down = before->down;
    channel->told_us = before->told_us;
    channel->sent = before->sent;
    memcpy(channel->error, before->error, sizeof channel->error);
    pthread_mutex_unlock(&channel->outbox->mutex);
    channel->before = channel_destroy(before);
}

static void *run(void *context) {
    struct channel_thread *channel = context;
    uint64_t seen = 0;
    take_over(channel);
    while (!is_stopping(channel)) {
        if (send_rows(channel))
            pause_for(channel, &seen, LOOK_US, true);
        else
            pause_for(channel, &seen, channel->wait_us, false);
    }
    return NULL;
}

/* ---- start and stop */

static uint64_t first_free_number(struct store *store) {
    struct store_cursor *cursor = store_cursor_create(store, STORE_OUTBOX, NULL, (struct slice){NULL, 0});
    uint64_t number = 0;
    if (store_cursor_last(cursor) && store_cursor_key(cursor).size == 8)
        number = bytes_get_u64(store_cursor_key(cursor).data) + 1;
    store_cursor_destroy(cursor);
    /* Numbers of rows that are gone must not come again while a thread remembers having passed them. */
    uint64_t now = clock_wall_us();
    return number > now ? number : now;
}

static struct channel_thread **free_channels(struct channel_thread **channels, size_t count) {
    for (size_t i = 0; i < count; i++)
        channel_destroy(channels[i]);
    free(channels);
    return NULL;
}

static struct channel_thread **make_channels(struct outbox *outbox, const struct collector_settings *settings,
                                             size_t *ret_count, struct fault *fault) {
    size_t count = delivery_count(settings);
    struct channel_thread **channels = memory_new_array(count, sizeof *channels);
    for (size_t i = 0; i < count; i++) {
        channels[i] = memory_new(sizeof **channels);
        channels[i]->outbox = outbox;
        channels[i]->delivery = delivery_create(settings, i, fault);
        if (!channels[i]->delivery)
            return free_channels(channels, count);
        channels[i]->down = lasting_get(outbox->store, CHANNEL, delivery_name(channels[i]->delivery)) != 0;
        channels[i]->told_us = clock_monotonic_us();
    }
    *ret_count = count;
    return channels;
}

static bool start_threads(struct outbox *outbox, struct fault *fault) {
    for (size_t i = 0; i < outbox->channel_count; i++) {
        struct channel_thread *channel = outbox->channels[i];
        errno = pthread_create(&channel->thread, NULL, run, channel);
        if (errno)
            return fault_set_system(fault, "a thread for %s", delivery_name(channel->delivery));
        channel->started = true;
    }
    return true;
}

struct outbox *outbox_start(const struct collector_settings *settings, struct store *store,
                            struct committer *committer, struct fault *fault) {
    struct outbox *outbox = memory_new(sizeof *outbox);
    outbox->store = store;
    outbox->committer = committer;
    pthread_mutex_init(&outbox->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&outbox->woken, &monotonic);
    pthread_condattr_destroy(&monotonic);
    atomic_store(&outbox->next_number, first_free_number(store));
    outbox->channels = make_channels(outbox, settings, &outbox->channel_count, fault);
    if (!outbox->channels || !start_threads(outbox, fault))
        return outbox_destroy(outbox);
    return outbox;
}

static void join_thread(struct channel_thread *channel) {
    if (channel->started)
        pthread_join(channel->thread, NULL);
    else if (channel->before) /* no thread was to be had to wait for it */
        join_thread(channel->before);
    channel->started = false;
}

void outbox_stop(struct outbox *outbox) {
    if (!outbox)
        return;
    pthread_mutex_lock(&outbox->mutex);
    outbox->stopping = true;
    pthread_cond_broadcast(&outbox->woken);
    pthread_mutex_unlock(&outbox->mutex);
    for (size_t i = 0; i < outbox->channel_count; i++)
        join_thread(outbox->channels[i]);
    for (struct channel_thread *channel = outbox->left; channel; channel = channel->next_left)
        join_thread(channel);
}

/* The old ones end when they have sent what is under way: the next of the same name waits for that, the loop does not. */
static void hand_over(struct outbox *outbox, struct channel_thread **channels, size_t count) {
    for (size_t i = 0; i < outbox->channel_count; i++) {
        struct channel_thread *old = outbox->channels[i], *heir = NULL;
        for (size_t j = 0; j < count && !heir; j++)
            if (strcmp(delivery_name(channels[j]->delivery), delivery_name(old->delivery)) == 0)
                heir = channels[j];
        old->leaving = true;
        if (heir)
            heir->before = old;
        else {
            old->next_left = outbox->left;
            outbox->left = old;
        }
    }
}

bool outbox_reload(struct outbox *outbox, const struct collector_settings *settings, struct fault *fault) {
    size_t count = 0;
    struct channel_thread **channels = make_channels(outbox, settings, &count, fault);
    if (!channels)
        return false;
    pthread_mutex_lock(&outbox->mutex);
    hand_over(outbox, channels, count);
    free(outbox->channels);
    outbox->channels = channels;
    outbox->channel_count = count;
    pthread_cond_broadcast(&outbox->woken);
    pthread_mutex_unlock(&outbox->mutex);
    struct fault late = {0};
    if (!start_threads(outbox, &late))
        log_fault(LOG_LEVEL_ERROR, &late, "notices wait until the next reload");
    return true;
}

struct outbox *outbox_destroy(struct outbox *outbox) {
    if (!outbox)
        return NULL;
    outbox_stop(outbox);
    free_channels(outbox->channels, outbox->channel_count);
    for (struct channel_thread *channel = outbox->left, *next; channel; channel = next) {
        next = channel->next_left;
        channel_destroy(channel);
    }
    pthread_cond_destroy(&outbox->woken);
    pthread_mutex_destroy(&outbox->mutex);
    free(outbox);
    return NULL;
}

void outbox_wake(struct outbox *outbox) {
    pthread_mutex_lock(&outbox->mutex);
    outbox->wakes++;
    pthread_cond_broadcast(&outbox->woken);
    pthread_mutex_unlock(&outbox->mutex);
}

struct outbox_counts outbox_counts(struct outbox *outbox) {
    pthread_mutex_lock(&outbox->mutex);
    struct outbox_counts counts = outbox->counts;
    counts.channels = outbox->channel_count;
    for (size_t i = 0; i < outbox->channel_count; i++)
        counts.failing += outbox->channels[i]->wait_us > 0;
    pthread_mutex_unlock(&outbox->mutex);
    return counts;
}

static void write_json_text(struct buffer *to, const char *text) {
    buffer_append_string(to, "\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buffer_append_string(to, "\\");
        if ((unsigned char)*text >= 0x20)
            buffer_append(to, text, 1);
    }
    buffer_append_string(to, "\"");
}

void outbox_describe(struct outbox *outbox, struct buffer *to) {
    pthread_mutex_lock(&outbox->mutex);
    buffer_append_string(to, "[");
    for (size_t i = 0; i < outbox->channel_count; i++) {
        const struct channel_thread *channel = outbox->channels[i];
        buffer_append_string(to, i ? ",{\"channel\":" : "{\"channel\":");
        write_json_text(to, delivery_name(channel->delivery));
        buffer_printf(to, ",\"state\":\"%s\",\"sent\":%" PRIu64 ",\"last_error\":", channel->wait_us ? "failing" : "good",
                      channel->sent);
        write_json_text(to, channel->error);
        buffer_append_string(to, "}");
    }
    buffer_append_string(to, "]");
    pthread_mutex_unlock(&outbox->mutex);
}
