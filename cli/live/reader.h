/* The collector's local socket, from the reader's side: a request, then frames until END. Blocks. */
#ifndef TOCSIN_READER_H
#define TOCSIN_READER_H

#include "command.h"
#include "frame.h"
#include "query.pb-c.h"

struct reader;

/* FAULT_MISSING where no collector answers: the hint says what to do. */
struct reader *reader_open(const struct command_context *context, const Tocsin__Request *request, struct fault *fault);
struct reader *reader_close(struct reader *reader); /* returns NULL */
/* Another request over the same connection, after END. */
bool reader_ask(struct reader *reader, const Tocsin__Request *request, struct fault *fault);

/* From now on says on a terminal what is waited for ("a cosigned checkpoint"; borrowed), and gives up (FAULT_BUSY) when nothing
 * came for `patience_us`; 0: never. */
void reader_wait_for(struct reader *reader, const char *what, uint64_t patience_us);

/* The next frame but END and REFUSED. False: the end (ret_count is END's), or a fault. */
bool reader_next(struct reader *reader, struct frame *ret_frame, uint64_t *ret_count, struct fault *fault);
/* Takes every StoreRow of the answer up to its end, and passes over the rest. */
typedef void reader_row(void *context, const Tocsin__StoreRow *row);
bool reader_rows(struct reader *reader, reader_row *take, void *context, struct fault *fault);
/* Whether a frame can be had without waiting. */
bool reader_has_more(struct reader *reader);

#endif
