#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "notify.h"
#include "scratch.h"

static int manager;

static const char *heard(void) {
    static char text[512];
    ssize_t size = recv(manager, text, sizeof text - 1, MSG_DONTWAIT);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

static void the_service_manager_hears_how_it_goes(void **state) {
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, scratch_path("notify"));
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    notify_ready();
    assert_string_equal(heard(), "READY=1");
    notify_status("%d agents\nREADY=0", 3);
    assert_string_equal(heard(), "STATUS=3 agents READY=0"); /* no field of its own */
    notify_reloading();
    assert_int_equal(strncmp(heard(), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    notify_alive();
    assert_string_equal(heard(), "WATCHDOG=1");
    notify_stopping();
    assert_string_equal(heard(), "STOPPING=1");
    unsetenv("NOTIFY_SOCKET");
    notify_ready(); /* nobody listens: nothing happens */
    assert_string_equal(heard(), "");
    close(manager);
    scratch_remove();
}

static void the_watchdog_wants_half_of_what_is_allowed(void **state) {
    (void)state;
    char pid[32];
    assert_true(notify_watchdog_us() == UINT64_MAX);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(notify_watchdog_us(), 15000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_service_manager_hears_how_it_goes),
        cmocka_unit_test(the_watchdog_wants_half_of_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
