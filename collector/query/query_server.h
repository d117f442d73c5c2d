/* The readers' door: a local socket over which events, alerts, the status, the stored rows and proofs can be read, and nothing
 * can be written but statements that bear their people's signatures, and marks (proto/query.proto).
 *
 * A thread for each connection, QUERY_READERS_MOST at once; blocking reads and writes with time limits, so that a reader
 * that stops reading costs its own thread alone. Each query reads one snapshot of the store; a following one goes on with
 * what is committed afterwards. */
#ifndef TOCSIN_QUERY_SERVER_H
#define TOCSIN_QUERY_SERVER_H

#include "committer.h"
#include "knowledge.h"
#include "sealed.h"
#include "store.h"

#define QUERY_READERS_MOST 32u

struct query_server;

struct query_server_settings {
    const char *socket_path;
    struct store *store;
    struct committer *committer;
    struct sealed *sealed; /* NULL: nothing is sealed */
    const struct knowledge *knowledge;
    struct log_state *log;
    struct log_signer *signer; /* for marks */
    /* Has the stream's open batch closed soon; false for a stream of nobody that is here. Called in the reader's thread; must
     * be safe there. */
    bool (*close_now)(void *context, const struct hash *stream_id);
    /* What is kept and due, as JSON objects; `run`: what is due is done first. Called in the reader's thread. */
    bool (*retention)(void *context, bool run, bool (*give)(void *giver, const char *json), void *giver,
                      struct fault *fault);
    /* Makes a backup of the collector's own and waits for it; NULL: none are made. Called in the reader's thread. */
    bool (*backup_now)(void *context, struct fault *fault);
    /* What a hold keeps of what was erased: log index and the extra data of each event's proof. The same. */
    bool (*held)(void *context, uint64_t hold, bool (*give)(void *giver, uint64_t log_index, struct slice extra),
                 void *giver, struct fault *fault);
    /* Appends the status as one JSON object. Called in the reader's thread; must be safe there. */
    void (*status)(void *context, struct buffer *to);
    void *context;
};

struct query_server *query_server_start(const struct query_server_settings *settings, struct fault *fault);
struct query_server *query_server_stop(struct query_server *server);
/* The knowledge for queries from now on. The old one must live until query_server_stop. */
void query_server_reload(struct query_server *server, const struct knowledge *knowledge);

#endif
