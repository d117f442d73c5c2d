/* The log's pages over a log that begins: what is given, what is not, and what a damaged store answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bytes.h"
#include "fake_store.h"
#include "log_pages.h"
#include "log_site.h"

static unsigned ask(struct log_pages *pages, const char *method, const char *path, struct buffer *ret_body) {
    const struct http_request request = {.method = method, .path = path, .peer = "192.0.2.1"};
    struct http_answer answer = {.status = 500, .body = BUFFER(HTTP_SERVER_ANSWER_MOST)};
    log_pages_handle(pages, &request, &answer);
    buffer_clear(ret_body);
    buffer_append_slice(ret_body, buffer_slice(&answer.body));
    buffer_free(&answer.body);
    return answer.status;
}

static void pages_give_what_the_published_checkpoint_covers(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_site site;
    struct log_head head;
    char path[64];
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST), body = BUFFER(HTTP_SERVER_ANSWER_MOST),
                                 entry = BUFFER(1 << 16);
    log_site_start(&site, store, NULL);
    struct log_pages *pages = log_pages_create(site.log);
    for (unsigned i = 0; i < 5; i++)
        log_site_close(&site);
    log_site_settle(&site, &head, &note);
    assert_int_equal(ask(pages, "GET", "/checkpoint", &body), 200);
    assert_true(slice_equal(buffer_slice(&body), buffer_slice(&note)));
    for (unsigned width = 1; width <= head.size + 1; width++) {
        bool there = width <= head.size;
        snprintf(path, sizeof path, "/tile/0/000.p/%u", width);
        assert_int_equal(ask(pages, "GET", path, &body), there ? 200 : 404);
        assert_true(!there || body.size == width * HASH_SIZE);
        snprintf(path, sizeof path, "/tile/entries/000.p/%u", width);
        assert_int_equal(ask(pages, "GET", path, &body), there ? 200 : 404);
        struct bytes_reader reader = bytes_read(buffer_slice(&body));
        for (uint64_t index = 0; there && index < width; index++) {
            buffer_clear(&entry);
            assert_true(log_entry_get(store, index, &entry, NULL));
            assert_true(slice_equal(bytes_read_raw(&reader, bytes_read_u16(&reader)), buffer_slice(&entry)));
        }
        assert_true(!there || bytes_read_done(&reader));
    }
    static const char *const none[] = {"/",
                                       "",
                                       "/checkpoint/",
                                       "/tile/0/000",
                                       "/tile/0/001.p/1",
                                       "/tile/1/000.p/1",
                                       "/tile/0/0.p/1",
                                       "/tile/entries/000",
                                       "/tile//000.p/1",
                                       "/tile/entries",
                                       "tile/0/000.p/1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (none[i][0])
            assert_int_equal(ask(pages, "GET", none[i], &body), 404);
    assert_int_equal(ask(pages, "POST", "/checkpoint", &body), 405);
    /* What the store lost is an error, and no shorter bundle. */
    uint8_t key[8];
    bytes_put_u64(key, 2);
    fake_store_delete(store, STORE_ENTRY, slice_make(key, sizeof key));
    assert_int_equal(ask(pages, "GET", "/tile/entries/000.p/2", &body), 200);
    assert_int_equal(ask(pages, "GET", "/tile/entries/000.p/3", &body), 500);
    assert_int_equal(ask(pages, "GET", "/tile/entries/000.p/4", &body), 500);
    log_pages_destroy(pages);
    log_site_stop(&site);
    fake_store_destroy(store);
}

static void before_the_first_checkpoint_there_is_no_page(void **state) {
    (void)state;
    struct store *store = fake_store_create();
    struct log_site site;
    CLEANUP_BUFFER struct buffer body = BUFFER(HTTP_SERVER_ANSWER_MOST);
    log_site_start(&site, store, &(const struct checkpoint_publisher){0});
    struct log_pages *pages = log_pages_create(site.log);
    assert_int_equal(ask(pages, "GET", "/tile/0/000.p/1", &body), 404);
    log_pages_destroy(pages);
    log_site_stop(&site);
    fake_store_destroy(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_give_what_the_published_checkpoint_covers),
        cmocka_unit_test(before_the_first_checkpoint_there_is_no_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
