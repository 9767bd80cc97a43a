/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * server.h - the process that answers for a FUSE mount
 *
 * It holds the FUSE descriptor, the mapped image and the object directories, and nothing else: no
 * other descriptor of its starter, no working directory, no terminal. It ends when its file system
 * is unmounted. Over it, unless that is not wanted or not possible, is a supervisor
 * (ops/supervisor.h), which has the same descriptors.
 */
#ifndef LAMINA_OPS_SERVER_H
#define LAMINA_OPS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "ops/tuning.h"
#include "serve/view.h"

struct diag;        /* base/diag.h */
struct idmaps;      /* base/idmap.h */
struct object_dirs; /* ops/source.h */
struct source;      /* ops/source.h */

struct server_request {
	int device_fd; /* of a connection that is mounted already; the starter closes its copy */
	enum view_kind kind;
	const struct source *source;    /* mapped */
	const struct object_dirs *dirs; /* where it serves data; else NULL */
	const struct idmaps *maps;      /* of the owners it shows; NULL: as stored */
	int fetcher_fd;                 /* of ops/fetcher.h, where source is lazy */
	struct tuning tuning;
	enum view_verity verity; /* of the objects it serves */
	bool passes_through;     /* let the kernel read the objects */
	bool keeps_stderr;       /* foreground: failures while it serves are seen */
	bool leaves_namespace;   /* must not keep the starter's mount namespace alive */
};

/*
 * Start the server and wait until it has answered the kernel's first request. The caller has no
 * threads. On failure no process is left. Returns 0 or the server's own error, with its reason.
 */
int server_start(const struct server_request *request, struct server *ret, struct diag *why);

/* End a server that is not wanted after all, with its supervisor, and reap it. */
void server_kill(const struct server *server);

/* Wait for its end. Returns 0, or -EIO with how it ended when that was not by unmounting. */
int server_wait(pid_t pid, struct diag *why);

#endif
