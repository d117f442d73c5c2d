#include "probe_names.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "probe_target.h"

struct probe_question {
    struct lookup *lookup;
    struct probe_question *next;
    probe_names_told *told;
    void *context;
};

/* One name that is being asked for. The worker touches `host` and `addresses` alone. */
struct lookup {
    struct probe_names *names; /* NULL: they are gone */
    struct lookup *next;
    struct probe_question *questions;
    char host[PROBE_HOST_SIZE];
    struct probe_addresses addresses;
};

struct probe_names {
    struct loop *loop;
    struct lookup *lookups;
};

static int compare(const void *a, const void *b) {
    const char *one = a, *other = b;
    bool one6 = strchr(one, ':') != NULL, other6 = strchr(other, ':') != NULL;
    return one6 != other6 ? one6 - other6 : strcmp(one, other);
}

static void take(struct probe_addresses *to, const struct addrinfo *found) {
    for (; found && to->count < PROBE_ADDRESSES_MOST; found = found->ai_next) {
        char *text = to->items[to->count];
        if (getnameinfo(found->ai_addr, found->ai_addrlen, text, PROBE_ADDRESS_SIZE, NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        bool known = false;
        for (size_t i = 0; i < to->count; i++)
            known = known || strcmp(to->items[i], text) == 0;
        to->count += !known;
    }
    qsort(to->items, to->count, sizeof *to->items, compare);
}

static void work(void *context) {
    struct lookup *lookup = context;
    /* Not AI_ADDRCONFIG: a family that this host cannot reach is still one that others use. */
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(lookup->host, NULL, &hints, &found);
    if (error == 0)
        take(&lookup->addresses, found);
    if (lookup->addresses.count == 0)
        lookup->addresses.error = error ? gai_strerror(error) : "no address";
    if (found)
        freeaddrinfo(found);
}

static void tell(struct lookup *lookup) {
    while (lookup->questions) {
        struct probe_question *question = lookup->questions;
        lookup->questions = question->next;
        question->told(question->context, &lookup->addresses);
        free(question);
    }
}

static void done(void *context) {
    struct lookup *lookup = context;
    struct lookup **at = lookup->names ? &lookup->names->lookups : NULL;
    while (at && *at && *at != lookup)
        at = &(*at)->next;
    if (at && *at)
        *at = lookup->next;
    tell(lookup);
    free(lookup);
}

struct probe_names *probe_names_create(struct loop *loop) {
    struct probe_names *names = memory_new(sizeof *names);
    names->loop = loop;
    return names;
}

struct probe_names *probe_names_destroy(struct probe_names *names) {
    for (struct lookup *lookup = names ? names->lookups : NULL; lookup; lookup = lookup->next)
        lookup->names = NULL;
    free(names);
    return NULL;
}

struct probe_question *probe_names_ask(struct probe_names *names, const char *host, probe_names_told *told,
                                       void *context) {
    struct lookup *lookup = names->lookups;
    while (lookup && strcmp(lookup->host, host) != 0)
        lookup = lookup->next;
    if (!lookup) {
        lookup = memory_new(sizeof *lookup);
        lookup->names = names;
        snprintf(lookup->host, sizeof lookup->host, "%s", host);
        lookup->next = names->lookups;
        names->lookups = lookup;
        loop_work(names->loop, work, done, lookup);
    }
    struct probe_question *question = memory_new(sizeof *question);
    *question = (struct probe_question){lookup, lookup->questions, told, context};
    lookup->questions = question;
    return question;
}

void probe_names_forget(struct probe_question *question) {
    struct probe_question **at = &question->lookup->questions;
    while (*at != question)
        at = &(*at)->next;
    *at = question->next;
    free(question);
}
