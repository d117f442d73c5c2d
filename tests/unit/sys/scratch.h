/* A folder of a test's own, gone when the test has ended well. */
#ifndef TOCSIN_TEST_SCRATCH_H
#define TOCSIN_TEST_SCRATCH_H

/* The folder, made at the first call. */
const char *scratch_folder(void);
/* "folder/name"; good until the eighth call after it. */
const char *scratch_path(const char *name);
void scratch_remove(void);

#endif
