/* The decoders in rules/decoders, for tests: they run in the source's top folder. */
#ifndef SHIPPED_DECODERS_H
#define SHIPPED_DECODERS_H

#include "interpreter.h"

/* Fails the test that calls it, with the fault's text, if one of them is refused. Returns how many files there were. */
unsigned shipped_decoders_add(struct interpreter *interpreter);

#endif
