/* How long a collector may show no proof before it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proof_wait.h"

#define MINUTE UINT64_C(60000000)

static void what_waits_too_long_is_told_once_and_so_is_its_end(void **state) {
    (void)state;
    struct proof_wait wait = {0};
    unsigned overdue = 0;
    for (uint64_t minute = 5; minute < 60; minute++) {
        enum proof_wait_news news = proof_wait_look(&wait, 3, 4 + minute, minute * MINUTE);
        overdue += news == PROOF_WAIT_OVERDUE;
        assert_int_equal(news == PROOF_WAIT_OVERDUE, minute == 15);
        assert_int_not_equal(news, PROOF_WAIT_OVER);
    }
    assert_int_equal(overdue, 1);
    assert_int_equal(proof_wait_look(&wait, 4, 64, 60 * MINUTE), PROOF_WAIT_OVER);
    assert_int_equal(proof_wait_look(&wait, 4, 64, 69 * MINUTE), PROOF_WAIT_NOTHING);
    assert_int_equal(proof_wait_look(&wait, 4, 64, 70 * MINUTE), PROOF_WAIT_OVERDUE);
    assert_int_equal(proof_wait_look(&wait, 64, 64, 71 * MINUTE), PROOF_WAIT_OVER);
}

static void who_has_nothing_to_prove_or_goes_on_slowly_is_not_told_of(void **state) {
    (void)state;
    struct proof_wait idle = {0}, slow = {0};
    for (uint64_t minute = 0; minute < 100; minute++) {
        assert_int_equal(proof_wait_look(&idle, 7, 7, minute * MINUTE), PROOF_WAIT_NOTHING);
        assert_int_equal(proof_wait_look(&slow, minute / 9, 1000, minute * MINUTE), PROOF_WAIT_NOTHING);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_too_long_is_told_once_and_so_is_its_end),
        cmocka_unit_test(who_has_nothing_to_prove_or_goes_on_slowly_is_not_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
