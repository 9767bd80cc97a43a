/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * layers.h - plain directories shown elsewhere by an id map: one, or several as an overlay
 *
 * The kernel does all of it. The directories stay as they are and may be shown by any number of
 * maps at once: no copy, no chown. Needs CAP_SYS_ADMIN in the user namespaces that own their file
 * systems.
 */
#ifndef LAMINA_OPS_LAYERS_H
#define LAMINA_OPS_LAYERS_H

#include <stdbool.h>

#include "ops/ids.h"

struct buf;  /* base/buf.h */
struct diag; /* base/diag.h */

struct layers_idmap_request {
	const char *directory;
	const char *target; /* an existing directory */
	struct ids_request ids;
	bool read_only;
};

/*
 * Show the directory at the target, without what is mounted below it. On failure nothing is left
 * mounted.
 *
 *   -EINVAL  the map changes nothing, or what the parsers return
 *   else as mount_idmap_clone()
 */
int layers_idmap(const struct layers_idmap_request *request, struct diag *why);

#define LAYERS_MAX 500 /* OVL_MAX_STACK of Linux 6.18 */

struct layers_overlay_request {
	const char *const *lowers; /* "DIR[:DIR...]", the topmost first; NULL behind the last */
	const char *upper;         /* both or neither: writable */
	const char *work;
	const char *target;     /* an existing directory */
	struct ids_request ids; /* none asked for: the directories as they are */
	bool userxattr;         /* as of mount/overlay.h */
	bool metacopy;          /* its "redirects" */
};

/*
 * Mount the overlay. Each lower directory is shown by the map, and the upper one is written through
 * it (ops/upper.h). On failure nothing is left mounted. Errors as overlay_mount(), upper_idmap()
 * and layers_idmap().
 */
int layers_overlay(const struct layers_overlay_request *request, struct diag *why);

/*
 * The next path of "DIR[:DIR...]", of which *rest is what is left: NULL behind the last. As in
 * overlayfs's lowerdir, a backslash takes the meaning from the byte behind it, such as a colon.
 *
 * Returns 1 with the path as the string in *ret, 0 at the end, -EINVAL where a path is empty or a
 * backslash is the last byte, or -ENOMEM.
 */
int layers_path_next(const char **rest, struct buf *ret, struct diag *why);

#endif
