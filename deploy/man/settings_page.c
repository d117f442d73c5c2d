/* Prints the settings section of a manual page out of a daemon's own table; built and run by the build, once for each
 * daemon: SETTINGS_HEADER and SETTINGS_TABLE_OF name its header and its table. */
#include SETTINGS_HEADER
#include "buffer.h"

#include <stdio.h>

#define PAGE_MOST (1u << 20)

int main(void) {
    CLEANUP_BUFFER struct buffer page = BUFFER(PAGE_MOST);
    if (!settings_manual(SETTINGS_TABLE_OF(), &page))
        return 1;
    return fwrite(page.data, 1, page.size, stdout) == page.size && fflush(stdout) == 0 ? 0 : 1;
}
