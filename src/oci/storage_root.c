/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "oci/files.h"
#include "oci/json.h"
#include "oci/storage_conf.h"
#include "oci/storage_private.h"

#define PATH_SIZE_MAX 64 /* of the few files with fixed names */

static const struct storage_driver drivers[] = {
	{"overlay", "overlay/", "/diff"},
	{"vfs", "vfs/dir/", ""},
};

const struct storage_driver *storage_driver_find(const char *name)
{
	if (strcmp(name, "overlay2") == 0) /* another name of the same, containers-storage.conf */
		name = "overlay";
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strcmp(drivers[i].name, name) == 0)
			return &drivers[i];
	}
	return NULL;
}

static void root_release(struct storage_root *root)
{
	map_release(&root->by_id);
	oci_json_releasep(&root->images);
	oci_json_releasep(&root->layers);
	fd_close(root->lock_fd);
	oci_files_close(root->files);
	fd_close(root->fd);
}

void storage_roots_release(struct storage_roots *roots)
{
	for (size_t i = 0; i < roots->count; i++)
		root_release(&roots->items[i]);
	free(roots->items);
	*roots = (struct storage_roots){0};
}

/* Which driver */

static bool root_has(const struct storage_root *root, const struct storage_driver *driver)
{
	char path[PATH_SIZE_MAX];

	(void)snprintf(path, sizeof(path), "%s-images", driver->name);
	return faccessat(root->fd, path, F_OK, AT_EACCESS) == 0;
}

/* The driver that was configured, if the store has images of it; else any. */
static int driver_choose(struct storage_root *root, const struct storage_stores *stores,
			 struct diag *why)
{
	const char *name = stores->driver && stores->driver[0] ? stores->driver : NULL;
	const struct storage_driver *wanted = name ? storage_driver_find(name) : NULL;

	if (name && !wanted && stores->driver_is_set)
		return diag_set(why, -EOPNOTSUPP, "stores of driver '%.100s' are not read here",
				name);
	if (wanted && root_has(root, wanted)) {
		root->driver = wanted;
		return 0;
	}
	for (size_t i = 0; !stores->driver_is_set && i < sizeof(drivers) / sizeof(drivers[0]);
	     i++) {
		if (root_has(root, &drivers[i])) {
			root->driver = &drivers[i];
			return 0;
		}
	}
	if (errno == EACCES)
		return diag_errno(why, -EACCES, "cannot look into it");
	return diag_set(why, -ENOENT, "there are no images of driver '%.100s' in it",
			name ? name : "overlay");
}

/* What is in it */

/*
 * Against layers that are removed meanwhile. Nobody is waited for, and nobody waits for more than
 * the pull; without the lock what is read is checked just as well.
 */
static int root_lock(const struct storage_root *root)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	struct oci_file file = OCI_FILE_NONE;
	char path[PATH_SIZE_MAX];

	(void)snprintf(path, sizeof(path), "%s-layers/layers.lock", root->driver->name);
	if (oci_files_find(root->files, path, &file, NULL) < 0)
		return -1;
	if (fcntl(file.fd, F_OFD_SETLK, &lock) < 0) {
		oci_file_release(&file);
		return -1;
	}
	return file.fd;
}

/* A list that is not there is an empty one. */
static int list_read(const struct storage_root *root, const char *what, struct json_t **ret,
		     struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	char path[PATH_SIZE_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s-%s/%s.json", root->driver->name, what, what);
	r = oci_files_read(root->files, path, STORAGE_LIST_SIZE_MAX, &text, why);
	if (r == 0)
		r = oci_json_list_load(buf_span(&text), ret, why);
	else if (r == -ENOENT)
		r = oci_json_list_load(SPAN_LITERAL("[]"), ret, why);
	return r < 0 ? diag_wrap(why, r, "%s", path) : 0;
}

/* The images first: a layer is there before its image, and goes after it. */
static int root_read(struct storage_root *root, const struct storage_stores *stores,
		     struct diag *why)
{
	int r;

	r = driver_choose(root, stores, why);
	if (r < 0)
		return r;
	root->lock_fd = root_lock(root);
	r = list_read(root, "images", &root->images, why);
	if (r == 0)
		r = list_read(root, "layers", &root->layers, why);
	return r < 0 ? r : storage_layers_index(root, why);
}

static int root_open(const char *path, const struct storage_stores *stores,
		     struct storage_root *ret, struct diag *why)
{
	struct storage_root root = {.lock_fd = -1};
	int r;

	root.fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root.fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return diag_set(why, -ENOENT, "there is no store at '%.300s'", path);
	if (root.fd < 0)
		return diag_errno(why, -errno, "cannot open '%.300s'", path);
	r = oci_directory_open(path, &root.files, why);
	if (r == 0)
		r = root_read(&root, stores, why);
	if (r < 0) {
		root_release(&root);
		return diag_wrap(why, r, "store '%.300s'", path);
	}
	*ret = root;
	return 0;
}

int storage_roots_open(const struct storage_stores *stores, struct storage_roots *ret,
		       struct diag *why)
{
	CLEAN(storage_roots_release) struct storage_roots roots = {0};
	struct diag first = {0};

	roots.items = calloc(stores->count + 1, sizeof(*roots.items));
	if (!roots.items)
		return -ENOMEM;
	for (size_t i = 0; i < stores->count; i++) {
		struct diag problem = {0};
		int r = root_open(stores->paths[i], stores, &roots.items[roots.count], &problem);

		if (r == 0)
			roots.count++;
		else if (r != -ENOENT)
			return diag_set(why, r, "%s", diag_text(&problem, r));
		else if (!first.text[0])
			first = problem;
	}
	if (roots.count == 0)
		return diag_set(why, -ENOENT, "%s", diag_text(&first, -ENOENT));
	*ret = roots;
	roots = (struct storage_roots){0}; /* handed over */
	return 0;
}
