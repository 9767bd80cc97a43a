/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * run.h - a container from an image, by an OCI runtime
 *
 * The image is mounted in a mount namespace of our own, so no mount outlives the container,
 * whatever ends. Without privilege that is in a user namespace of our own, too, whose root we are.
 */
#ifndef LAMINA_OPS_RUN_H
#define LAMINA_OPS_RUN_H

#include <stdbool.h>

#include "ops/bundle.h"
#include "ops/ids.h"

struct diag; /* base/diag.h */

struct run_request {
	struct bundle_request bundle; /* rootfs, hostname and maps are filled in */
	const char *name;             /* NULL: made up */
	const char *runtime;    /* a program, in $PATH or by its path; NULL: crun, else runc */
	struct ids_request ids; /* of the container's user namespace; none: that of the runtime */
	const char *upper;      /* both or neither: where changes are kept; else in memory */
	const char *work;
	bool has_stdin; /* else it reads nothing */
};

/*
 * Run it to its end. Needs a process of one thread, which is not the same afterwards: it may be in
 * other namespaces. Signals that would end this process go to the container. *ret_status is the
 * container's exit status, or 128 and the signal that ended it; where the runtime failed, which
 * says why on stderr, 127 for a command that is not there, 126 for one that it may not execute, 125
 * for all else. *ret_note is what would help, or empty.
 *
 *   -ENOENT  no such image or no such runtime
 *   else what mounting and making the bundle return
 */
int run_container(const struct run_request *request, int *ret_status, struct diag *ret_note,
		  struct diag *why);

#endif
