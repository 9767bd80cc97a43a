/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * program.h - programs of others that are to be run
 */
#ifndef LAMINA_BASE_PROGRAM_H
#define LAMINA_BASE_PROGRAM_H

#include <stddef.h>
#include <sys/types.h>

struct diag; /* base/diag.h */

/*
 * Whether execvp(3) would find name, without a slash, in $PATH, or in its default where that is not
 * set. Returns 0, -ENOENT or -ENOMEM.
 */
int program_find(const char *name);

/* A descriptor for a program: ours, and its number there; the same one is left open. */
struct program_fd {
	int ours;
	int there;
};

/*
 * Start arguments[0], looked for as execvp(3) does, with environment (NULL: ours), these
 * descriptors beside those that are not close-on-exec, and signals as a new program has them.
 * Returns 0 and the child, which is the caller's to wait for, or -errno: -ENOENT when there is no
 * such program.
 */
int program_spawn(char *const *arguments, char *const *environment, const struct program_fd *fds,
		  size_t count, pid_t *ret);

/*
 * A file for the stderr of a program: nobody has to read while it writes. Returns an fd the caller
 * owns.
 */
int program_talk(struct diag *why);

/*
 * Wait for a child. Returns 0 when it ended with status 0, -EPERM with the first line that is in
 * talk, without "name: " and printable, when it ended with another, or -EIO after a signal.
 */
int program_wait(pid_t pid, const char *name, int talk, struct diag *why);

#endif
