/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * library.h - shared libraries that are loaded when somebody wants them
 *
 * docs/decisions/0009 has the reason: mounting needs none of them, and loading one takes as long as
 * all the rest of starting the program.
 */
#ifndef LAMINA_BASE_LIBRARY_H
#define LAMINA_BASE_LIBRARY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

struct library_symbol {
	const char *name;
	void *ret_function; /* pointer to a pointer to a function of the right type */
};

/* A library, "libz.so.1", and what is wanted of it; static. */
struct library {
	const char *file;
	const struct library_symbol *symbols;
	size_t count;
	const char *older_file;         /* when there is no file; NULL: then there is none */
	int (*start)(struct diag *why); /* once, when it is there: 0 or -errno; NULL: nothing */
	pthread_mutex_t lock;
	bool is_tried; /* guarded by lock, as the next two */
	int result;
	struct diag failure;
};

/* The first fields of a struct library. */
#define LIBRARY(name, list)                                                           \
	.file = (name), .symbols = (list), .count = sizeof(list) / sizeof((list)[0]), \
	.lock = PTHREAD_MUTEX_INITIALIZER

/*
 * Load it for the life of the process, unless somebody has; all of its symbols are filled in then.
 * Any thread. Returns 0, or the same error at each call: -EOPNOTSUPP where the library, or one of
 * the symbols, is not there, or that of start().
 */
int library_want(struct library *library, struct diag *why);

#endif
