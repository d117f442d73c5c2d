/* Batches as several logs show them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sightings.h"

static struct sighting seen_at(const char *origin, uint8_t stream, uint64_t batch_seq, uint8_t entry,
                               uint64_t index) {
    return (struct sighting){{{stream}},           batch_seq, {{entry}}, index, (unsigned)origin[0],
                             slice_string(origin), origin};
}

static void one_batch_has_one_entry_wherever_it_stands(void **state) {
    (void)state;
    struct sightings *sightings = sightings_create();
    struct sighting other;
    for (uint64_t batch = 0; batch < 1000; batch++) {
        struct sighting at_a = seen_at("a", 1, batch, 7, 10 + batch),
                        at_b = seen_at("b", 1, batch, 7, 500 + batch);
        assert_int_equal(sightings_add(sightings, &at_a, &other), SEEN_FIRST);
        assert_int_equal(sightings_add(sightings, &at_a, &other), SEEN_SAME);
        if (batch % 2)
            assert_int_equal(sightings_add(sightings, &at_b, &other), SEEN_SAME);
    }
    assert_int_equal(sightings_alike(sightings), 500);
    struct sighting another = seen_at("b", 2, 5, 8, 1); /* another stream's */
    assert_int_equal(sightings_add(sightings, &another, &other), SEEN_FIRST);
    sightings_destroy(sightings);
}

static void case_12_other_content_at_another_site_names_both_places(void **state) {
    (void)state;
    struct sightings *sightings = sightings_create();
    struct sighting at_a = seen_at("a", 1, 17, 7, 10), at_b = seen_at("b", 1, 17, 8, 99), other;
    assert_int_equal(sightings_add(sightings, &at_a, &other), SEEN_FIRST);
    assert_int_equal(sightings_add(sightings, &at_b, &other), SEEN_FORKED);
    assert_int_equal(other.log_index, 10);
    assert_true(slice_equal(other.origin, SLICE("a")));
    assert_int_equal(sightings_add(sightings, &at_b, &other), SEEN_SAME); /* told once */
    assert_int_equal(sightings_alike(sightings), 0);
    sightings_destroy(sightings);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_batch_has_one_entry_wherever_it_stands),
        cmocka_unit_test(case_12_other_content_at_another_site_names_both_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
