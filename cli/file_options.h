/* What `tocsin detect` and decode take: rules, decoders, a format, files. */
#ifndef TOCSIN_FILE_OPTIONS_H
#define TOCSIN_FILE_OPTIONS_H

#include "command.h"
#include "knowledge.h"

struct file_options {
    char **rules;
    size_t rule_count;
    char **decoders;
    size_t decoder_count;
    char **files;
    size_t file_count;
    enum line_format format;
};

bool file_options_parse(int argc, char **argv, struct file_options *ret_options, struct fault *fault);
void file_options_free(struct file_options *options);
/* The named rules and decoders, where none are named the site's or the shipped ones. */
struct knowledge *file_options_knowledge(const struct command_context *context, const struct file_options *options,
                                         bool rules, struct fault *fault);

#endif
