/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * runtime_process.h - an OCI runtime as a child, to whom our signals go
 */
#ifndef LAMINA_OPS_RUNTIME_PROCESS_H
#define LAMINA_OPS_RUNTIME_PROCESS_H

#include <stdbool.h>

struct diag; /* base/diag.h */

struct runtime_command {
	const char *program; /* NULL: crun, else runc */
	const char *bundle;  /* a directory; the runtime's log is made in it */
	const char *state;   /* a directory for the runtime's own files; made when missing */
	const char *name;    /* of the container */
	int lock_fd;         /* that the runtime keeps open, not the container; -1: none */
	bool has_stdin;      /* else /dev/null */
};

/*
 * Run and wait. *ret_status as of run_container(). -ENOENT: there is no such program; else what
 * execve(2) says of it.
 */
int runtime_run(const struct runtime_command *command, int *ret_status, struct diag *why);

#endif
