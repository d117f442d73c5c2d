/* The key that backups are encrypted under, in a file: 32 bytes in hexadecimal, one line, mode 0600. Whoever has it and the
 * backup has everything but what is sealed; whoever has lost it has no backup. */
#ifndef TOCSIN_BACKUP_KEY_H
#define TOCSIN_BACKUP_KEY_H

#include "backup_crypt.h"

/* Where there is none and `make` is true, makes one. The caller wipes the key. */
bool backup_key_open(const char *path, bool make, uint8_t ret_key[BACKUP_KEY_SIZE], struct fault *fault);

/* The same key in another place; FAULT_CONFLICT where there is another one. */
bool backup_key_write(const char *path, const uint8_t key[BACKUP_KEY_SIZE], struct fault *fault);

#endif
