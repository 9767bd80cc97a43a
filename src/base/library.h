/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * library.h - shared libraries that are loaded when somebody wants them
 *
 * docs/decisions/0009 has the reason: mounting needs none of them, and loading one takes as long as
 * all the rest of starting the program.
 */
#ifndef LAMINA_BASE_LIBRARY_H
#define LAMINA_BASE_LIBRARY_H

#include <stddef.h>

struct diag; /* base/diag.h */

struct library_symbol {
	const char *name;
	void *ret_function; /* pointer to a pointer to a function of the right type */
};

/*
 * Load a library ("libz.so.1") for the life of the process, and fill in all of the symbols. Call it
 * once for a library (pthread_once). Returns 0, or -EOPNOTSUPP where it, or one of the symbols, is
 * not there.
 */
int library_load(const char *file, const struct library_symbol *symbols, size_t count,
		 struct diag *why);

#endif
