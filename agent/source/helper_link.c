#include "helper_link.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "memory.h"

#define SIZE_HEAD 4u

static void open_end(struct helper_link *link, int file, enum helper_side other, size_t outgoing_most) {
    *link = (struct helper_link){.file = file,
                                 .other = other,
                                 .outgoing = BUFFER(outgoing_most),
                                 .incoming = memory_new(HELPER_MESSAGE_MOST)};
}

bool helper_link_pair(struct helper_link *link, int *ret_other, size_t outgoing_most, struct fault *fault) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return fault_set_system(fault, "no socket for a program");
    open_end(link, pair[0], HELPER_PROGRAM, outgoing_most);
    *ret_other = pair[1];
    return true;
}

void helper_link_open(struct helper_link *link, int file, size_t outgoing_most) {
    open_end(link, file, HELPER_AGENT, outgoing_most);
}

void helper_link_close(struct helper_link *link) {
    if (link->file >= 0)
        close(link->file);
    link->file = -1;
    buffer_free(&link->outgoing);
    free(link->incoming);
    link->incoming = NULL;
}

void helper_link_put(struct helper_link *link, const struct helper_message *message) {
    size_t start = link->outgoing.size;
    if (bytes_write_u32(&link->outgoing, 0) && helper_message_write(&link->outgoing, message))
        bytes_put_u32(link->outgoing.data + start, (uint32_t)(link->outgoing.size - start - SIZE_HEAD));
    link->failed |= link->outgoing.overflow;
}

void helper_link_put_all(struct helper_link *link, struct slice messages) {
    link->failed |= !buffer_append_slice(&link->outgoing, messages);
}

/* False: the socket is full. */
static bool send_next(struct helper_link *link) {
    struct slice rest = slice_from(buffer_slice(&link->outgoing), link->sent);
    size_t size = bytes_get_u32(rest.data);
    ssize_t gone = send(link->file, rest.data + SIZE_HEAD, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (gone < 0 && errno == EINTR)
        return true;
    if (gone < 0 && (errno == EAGAIN || errno == ENOBUFS))
        return false;
    /* Whoever is gone is found by reading, when what it had sent is taken. */
    link->failed |= gone < 0;
    link->sent += SIZE_HEAD + size;
    return true;
}

bool helper_link_send(struct helper_link *link) {
    while (!link->failed && link->sent < link->outgoing.size)
        if (!send_next(link))
            return false;
    buffer_free(&link->outgoing); /* positions at the start are many, and then there is next to nothing */
    link->sent = 0;
    return true;
}

enum helper_link_got helper_link_take(struct helper_link *link, struct helper_message *ret_message,
                                      struct fault *fault) {
    ssize_t got;
    do
        got = recv(link->file, link->incoming, HELPER_MESSAGE_MOST, MSG_DONTWAIT | MSG_TRUNC);
    /* One who dies with a message of ours unread resets the connection: told once, before what it had sent itself. */
    while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0 && errno == EAGAIN)
        return HELPER_LINK_NOTHING;
    if (got <= 0)
        return HELPER_LINK_CLOSED;
    if ((size_t)got > HELPER_MESSAGE_MOST) {
        fault_set(fault, FAULT_LIMIT, "a message of %zd bytes; at most %u are allowed", got,
                  HELPER_MESSAGE_MOST);
        return HELPER_LINK_BAD;
    }
    return helper_message_read(slice_make(link->incoming, (size_t)got), link->other, ret_message, fault)
               ? HELPER_LINK_MESSAGE
               : HELPER_LINK_BAD;
}
