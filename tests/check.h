/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * check.h - what every unit test includes: cmocka, and skips that cannot shrink coverage in silence
 */
#ifndef LAMINA_TESTS_CHECK_H
#define LAMINA_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Whether LAMINA_MUST_RUN, a comma-separated list, names what. */
static inline bool must_run(const char *what)
{
	const char *list = getenv("LAMINA_MUST_RUN");
	size_t size = strlen(what);

	for (; list && *list; list += strcspn(list, ",")) {
		list += strspn(list, ",");
		if (strncmp(list, what, size) == 0 && (list[size] == ',' || list[size] == '\0'))
			return true;
	}
	return false;
}

/* Skip the running test unless available; where LAMINA_MUST_RUN names what, that is a failure. */
#define need(what, available, reason)                                               \
	do {                                                                        \
		if (!(available)) {                                                 \
			if (must_run(what))                                         \
				fail_msg("%s must run here: %s", (what), (reason)); \
			print_message("# skip %s: %s\n", (what), (reason));         \
			skip();                                                     \
		}                                                                   \
	} while (0)

/* assert_int_equal(0, r) that shows the diag when it fails. */
#define assert_ok(expression, why)                                                           \
	do {                                                                                 \
		int assert_ok_result_ = (expression);                                        \
		if (assert_ok_result_ < 0)                                                   \
			fail_msg("%s: %d: %s", #expression, assert_ok_result_, (why)->text); \
	} while (0)

static inline const char *source_path(const char *relative)
{
	static char path[4096];
	const char *source_root = getenv("LAMINA_SOURCE_ROOT");

	(void)snprintf(path, sizeof(path), "%s/%s", source_root ? source_root : ".", relative);
	return path;
}

#endif
