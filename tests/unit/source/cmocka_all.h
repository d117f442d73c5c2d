/* cmocka, with what it wants included before it. */
#ifndef TOCSIN_CMOCKA_ALL_H
#define TOCSIN_CMOCKA_ALL_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#endif
