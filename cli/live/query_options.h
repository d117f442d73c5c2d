/* The words that say which events: of `tocsin query` and of whatever else takes an expression. */
#ifndef TOCSIN_QUERY_OPTIONS_H
#define TOCSIN_QUERY_OPTIONS_H

#include "command.h"
#include "query.pb-c.h"

/* argv[0] is the command's name. The query borrows from argv and from `expression`, which is emptied by nobody. */
bool query_options_parse(const struct command_context *context, int argc, char **argv,
                         Tocsin__EventQuery *query, struct buffer *expression, struct fault *fault);

#endif
