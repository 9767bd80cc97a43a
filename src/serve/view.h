/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * view.h - one image, shown through FUSE to whom it may concern
 *
 * Stateless: a nodeid is a fixed function of the nid, so any request can be answered from the image
 * alone, by any thread, by any process that maps the same image.
 *
 * metadata-only: for overlayfs, which reads file data from the objects itself. Overlay xattrs carry
 * the names that this overlayfs mount believes: user.overlay.* with userxattr, trusted.overlay.*
 * for the privileged. Reading an external file is EIO: nobody may take zeros for data. standalone:
 * a plain file system. Overlay details are hidden and unescaped; data come from the objects.
 *
 * Either way the user sees, in the end, what kernel EROFS + overlayfs would show of the image.
 */
#ifndef LAMINA_SERVE_VIEW_H
#define LAMINA_SERVE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag;          /* base/diag.h */
struct digest;        /* base/digest.h */
struct fuse_handlers; /* fuse/session.h */
struct idmaps;        /* base/idmap.h */
struct image;         /* erofs/image.h */
struct mapping;       /* erofs/mapping.h */

enum view_kind {
	VIEW_METADATA_USER,    /* user.overlay.*, for overlayfs mounted with userxattr */
	VIEW_METADATA_TRUSTED, /* trusted.overlay.* */
	VIEW_STANDALONE,
};

enum view_verity {
	VIEW_VERITY_OFF,     /* objects are believed */
	VIEW_VERITY_GIVEN,   /* one whose digest the image gives has to have it */
	VIEW_VERITY_REQUIRE, /* and the image has to give one */
};

struct fuse_reply; /* fuse/reply.h */

/*
 * Bring the contents of that SHA-256. Returns a descriptor of them, verified, which the caller then
 * owns, or -errno. Any thread; waits as long as that takes, with reply_still_waits() (reply is not
 * NULL).
 */
typedef int view_bring(void *context, const struct digest *contents, struct fuse_reply *reply);

/* Of an image whose contents are not all here yet (serve/lazy.h). */
struct view_lazy {
	int contents_fd;   /* the directory of those that are, by their SHA-256; the caller's */
	view_bring *bring; /* the others; NULL: nobody does */
	void *context;
};

struct view_config {
	enum view_kind kind;
	const struct image *image;     /* outlives the view */
	const struct mapping *mapping; /* of the image; NULL when it cannot be damaged */
	/* Where the view serves data: directories of objects, in order; the caller's, and open */
	const int *object_fds;
	size_t object_fd_count;
	/*
	 * metadata-only: the view itself serves files of up to so many bytes. overlayfs then asks
	 * once about each of them instead of three times; their data pass through this process.
	 */
	uint64_t own_data_max;
	/* Objects that the view serves, when one is opened: serve/verified.h. Else EIO. */
	enum view_verity verity;
	/*
	 * Files are opened one by one for as long as the mount lasts, where the session has them
	 * opened; else only until all contents are known to be there (serve/inventory.h).
	 */
	bool always_opens;
	/* Owners that are shown: stored ids are inside. NULL: as they are stored. The caller's. */
	const struct idmaps *maps;
	const struct view_lazy *lazy; /* standalone; copied. NULL: all contents are here */
	/* Told, once an object, what is missing or cannot be read; NULL: nobody. Any thread. */
	void (*report)(void *context, const char *message);
	void *report_context;
};

struct view;

int view_new(const struct view_config *config, struct view **ret, struct diag *why);
void view_free(struct view *view); /* NULL is fine */

/* To be put into struct fuse_config, with the view as fs. */
const struct fuse_handlers *view_handlers(const struct view *view);

#endif
