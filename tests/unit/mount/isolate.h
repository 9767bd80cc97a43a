/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * isolate.h - test bodies in a child with a mount namespace of its own
 *
 * /tmp and /run are fresh tmpfs there, and a body that leaves a file in them, a mount, or an open
 * descriptor behind fails. In a body, expect() takes the place of cmocka's asserts, which may not
 * leave the child.
 */
#ifndef LAMINA_TESTS_MOUNT_ISOLATE_H
#define LAMINA_TESTS_MOUNT_ISOLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

/* The unprivileged user of the tests. */
#define TEST_UID 1000

enum identity {
	AS_ROOT,           /* of the initial user namespace */
	AS_USER,           /* TEST_UID there; /dev/fuse has mode 0666 for it, and below */
	AS_USER_IN_USERNS, /* TEST_UID as root of a user namespace of its own */
};

/* Run body, and fail the calling test when it fails. Skips where this identity is not to be had. */
void isolated(enum identity identity, void (*body)(void));

/*
 * A new directory on the build's file system (not tmpfs, as a rule), world accessible; removed with
 * what is in it when the body is over. Valid in bodies.
 */
extern char isolate_dir[4096];

/* Entries of a directory, but for "." and "..". */
size_t directory_count(const char *path);

/* Whether root has turned on FUSE over io_uring. */
bool uring_is_enabled(void);

/* Whether some loop device has a backing file whose path contains part. */
bool loop_in_use(const char *part);

#define expect(condition)                                                    \
	do {                                                                 \
		if (!(condition))                                            \
			expect_failed(__FILE__, __LINE__, #condition, NULL); \
	} while (0)

#define expect_text(text, part)                                          \
	do {                                                             \
		if (!strstr((text), (part)))                             \
			expect_failed(__FILE__, __LINE__, part, (text)); \
	} while (0)

/* The value, which must not be negative. */
#define expect_ok(expression, why)                                       \
	__extension__({                                                  \
		int expect_result_ = (expression);                       \
		if (expect_result_ < 0)                                  \
			expect_failed(__FILE__, __LINE__, #expression,   \
				      diag_text((why), expect_result_)); \
		expect_result_;                                          \
	})

/* End the body as a skip. */
_Noreturn void isolate_skip(const char *what, const char *reason);

/* The same where a process cannot make a user namespace: those of the thread sanitizer cannot. */
void need_userns(void);

_Noreturn void expect_failed(const char *file, int line, const char *what, const char *text);

/* A detached, empty, writable tmpfs; the caller owns the descriptor. */
int tmpfs_make(void);

/* Write text into a new file name of directory fd, and read a file there into text. */
void file_make(int directory, const char *name, const char *text);
void file_expect(int directory, const char *name, const char *text);

#endif
