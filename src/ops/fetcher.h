/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fetcher.h - the process that brings contents of a lazily pulled image to the server that shows it
 *
 * The server has a root without files and no network: it asks over a socket, and gets a descriptor
 * of verified contents, or an errno. The fetcher speaks to the registry as the user who mounted,
 * and ends when no server has the socket any more. Over it is a process that starts it anew when it
 * crashes; what it had in hand fails then.
 */
#ifndef LAMINA_OPS_FETCHER_H
#define LAMINA_OPS_FETCHER_H

#include <stdbool.h>

struct diag;       /* base/diag.h */
struct digest;     /* base/digest.h */
struct fuse_reply; /* fuse/reply.h */
struct lazy_image; /* ops/lazy.h */

/* At a time; further ones wait their turn. Registries take some connections from each client. */
#define FETCHER_THREADS 8

struct fetcher_request {
	const struct lazy_image *image;
	bool keeps_stderr;     /* what fails is said there, else in the system's log */
	bool leaves_namespace; /* must not keep the starter's mount namespace alive */
};

/* Start one. *ret_fd is the server's end of the socket, the caller's. Has no threads yet. */
int fetcher_start(const struct fetcher_request *request, int *ret_fd, struct diag *why);

/* view_bring of serve/view.h: context is the socket (int *). Any thread, of any process. */
int fetcher_bring(void *context, const struct digest *contents, struct fuse_reply *reply);

#endif
