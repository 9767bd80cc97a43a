/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * output.h - a file that appears complete or not at all
 *
 * Written without a name (O_TMPFILE) and renamed into place at the end; where the file system has
 * no nameless files, under a temporary name beside it. A target that is no regular file (a pipe, a
 * device) is written directly.
 */
#ifndef LAMINA_OPS_OUTPUT_H
#define LAMINA_OPS_OUTPUT_H

#include <stdbool.h>

#include "base/span.h"

struct diag; /* base/diag.h */

struct output {
	int fd;          /* owned */
	int dir_fd;      /* owned; of the directory of the target; -1: written directly */
	char *name;      /* owned; last component of the target */
	char *temporary; /* owned; name of what is written, when it has one */
};

#define OUTPUT_EMPTY ((struct output){.fd = -1, .dir_fd = -1})

/* path "-" is standard output. Returns 0 or -errno. */
int output_open(const char *path, struct output *ret, struct diag *why);

int output_write(struct output *output, struct span bytes, struct diag *why);

/* Put it in place. */
int output_commit(struct output *output, struct diag *why);

/* Without a commit before: nothing is left of it. For CLEAN(). */
void output_release(struct output *output);

#endif
