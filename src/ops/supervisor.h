/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * supervisor.h - the process that starts a server again when it has crashed
 *
 * It holds the FUSE descriptor, so that the connection outlives a server, and waits: it parses
 * nothing. The next server takes over (fuse/ledger.h), and who reads from the mount notices
 * nothing. A server that has had one request in hand for too long, leaves them all where they wait,
 * or is stopped, is killed, which is a crash like any other. A server that crashes again and again
 * without having answered anything in between is given up: the descriptor is closed, and the mount
 * says ENOTCONN.
 */
#ifndef LAMINA_OPS_SUPERVISOR_H
#define LAMINA_OPS_SUPERVISOR_H

struct fuse_ledger; /* fuse/ledger.h */

/*
 * A request may wait for a disk, or a network file system behind one; when it has taken longer than
 * this at two looks, its server hangs.
 */
#define SUPERVISOR_LOOK_INTERVAL_MS (2 * 60 * 1000)

struct supervised {
	struct fuse_ledger *ledger;
	int device_fd;        /* borrowed; readable while requests wait to be taken */
	int look_interval_ms; /* SUPERVISOR_LOOK_INTERVAL_MS; tests have less time */
	/* In the child: serves, and does not return. */
	void (*serve)(void *context);
	/* In the supervisor, once, when the first server runs. */
	void (*started)(void *context);
	/* Tells what has happened, one line. */
	void (*say)(void *context, const char *message);
	void *context;
};

/*
 * Start a server, and another in its place, until one ends by itself. The process has one thread
 * and no other children. Returns its exit status; where a signal ended it before anything was
 * negotiated, or SIGTERM is sent here, dies by that signal.
 */
int supervise(const struct supervised *supervised);

#endif
