/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * cleanup.h - one owner at a time, visible at the declaration
 *
 * CLEAN(fn) runs fn on the variable's address when it leaves scope. TAKE() hands the value over and
 * leaves the variable empty. Cleanup functions keep errno.
 */
#ifndef LAMINA_BASE_CLEANUP_H
#define LAMINA_BASE_CLEANUP_H

#include <errno.h>
#include <stdlib.h>

#define CLEAN(fn) __attribute__((cleanup(fn)))

#define TAKE(pointer)                                   \
	__extension__({                                 \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

/* For any pointer from malloc: CLEAN(memory_freep) char *text = NULL; */
static inline void memory_freep(void *pointer_address)
{
	int saved = errno;

	free(*(void **)pointer_address);
	errno = saved;
}

#endif
