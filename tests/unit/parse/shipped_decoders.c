#include "shipped_decoders.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void add_file(struct interpreter *interpreter, const char *path) {
    static char text[256 * 1024];
    struct fault fault;
    char line[FAULT_LINE_SIZE];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_true(size < sizeof text);
    if (!interpreter_add_decoders(interpreter, slice_make(text, size), path, &fault))
        fail_msg("%s", fault_line(&fault, line));
}

unsigned shipped_decoders_add(struct interpreter *interpreter) {
    glob_t found;
    assert_int_equal(glob("rules/decoders/*.yaml", 0, NULL, &found), 0);
    unsigned count = 0;
    for (; count < found.gl_pathc; count++)
        add_file(interpreter, found.gl_pathv[count]);
    globfree(&found);
    return count;
}
