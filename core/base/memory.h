/* Memory that is never NULL.
 *
 * Every queue and buffer here has a named ceiling, so running out is the machine's failure, not an input's: the process
 * writes one line and aborts, and its supervisor starts it again from what is on disk. What comes from outside is
 * checked against its ceiling before it is allocated. */
#ifndef TOCSIN_MEMORY_H
#define TOCSIN_MEMORY_H

#include <stddef.h>

#define NEVER_NULL __attribute__((returns_nonnull))
NEVER_NULL void *memory_new(size_t size);                             /* zeroed */
NEVER_NULL void *memory_new_array(size_t count, size_t size);         /* zeroed; overflow aborts */
NEVER_NULL void *memory_resize(void *old, size_t count, size_t size); /* new bytes are not zeroed */
NEVER_NULL void *memory_copy(const void *data, size_t size);          /* one NUL behind the copy */
char *memory_copy_string(const char *text);                           /* NULL gives NULL */
/* What a look-up gave that cannot have failed, since it was judged before that there is such a thing. NULL aborts: with a
 * broken invariant nothing goes on. */
NEVER_NULL void *memory_known(void *found);
void memory_wipe(void *data, size_t size); /* not optimised away; NULL is fine */

/* For __attribute__((cleanup)): frees what the pointer variable points to. */
void memory_cleanup(void *pointer_to_pointer);
#define CLEANUP_FREE __attribute__((cleanup(memory_cleanup)))

#endif
