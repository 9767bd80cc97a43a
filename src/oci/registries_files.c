/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * containers-registries.conf(5) and containers-registries.conf.d(5): which files there are.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "oci/registries_conf.h"

#define FILE_NAME "registries.conf"
#define SYSTEM_FOLDER "/etc/containers"
#define USER_FOLDER ".config/containers" /* below $HOME, whatever $XDG_CONFIG_HOME says */

/* Returns 1, 0 when it is not there, or an error. */
static int file_add(struct registries_conf *conf, const char *path, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : diag_errno(why, -errno, "cannot open %s", path);
	r = fd_read_all(fd, REGISTRIES_CONF_SIZE_MAX, &text);
	if (r < 0)
		return diag_errno(why, r, "cannot read %s", path);
	r = registries_conf_add(conf, buf_span(&text), why);
	return r < 0 ? diag_wrap(why, r, "%s", path) : 1;
}

static int is_conf(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);

	return entry->d_name[0] != '.' && size > 5 &&
	       strcmp(entry->d_name + size - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* folder/registries.conf.d/ *.conf, by name. */
static int folder_add(struct registries_conf *conf, const char *folder, struct diag *why)
{
	CLEAN(memory_freep) char *path = NULL;
	struct dirent **entries = NULL;
	int count, r = 0;

	if (asprintf(&path, "%s/" FILE_NAME ".d", folder) < 0)
		return -ENOMEM;
	count = scandir(path, &entries, is_conf, by_name);
	if (count < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES
			       ? 0
			       : diag_errno(why, -errno, "cannot read %s", path);
	for (int i = 0; i < count; i++) {
		CLEAN(memory_freep) char *file = NULL;

		if (r >= 0)
			r = asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0
				    ? -ENOMEM
				    : file_add(conf, file, why);
		free(entries[i]);
	}
	free(entries);
	return r < 0 ? r : 0;
}

static int usual_load(struct registries_conf *conf, struct diag *why)
{
	CLEAN(memory_freep) char *user = NULL;
	CLEAN(memory_freep) char *file = NULL;
	const char *home = getenv("HOME");
	int r = 0;

	if (home && home[0] == '/') {
		if (asprintf(&user, "%s/" USER_FOLDER, home) < 0 ||
		    asprintf(&file, "%s/" FILE_NAME, user) < 0)
			return -ENOMEM;
		r = file_add(conf, file, why);
	}
	if (r == 0)
		r = file_add(conf, SYSTEM_FOLDER "/" FILE_NAME, why);
	r = r < 0 ? r : folder_add(conf, SYSTEM_FOLDER, why);
	return r < 0 || !user ? r : folder_add(conf, user, why);
}

int registries_conf_load(const char *path, struct registries_conf *ret, struct diag *why)
{
	CLEAN(registries_conf_release) struct registries_conf conf = {0};
	int r;

	if (!path)
		path = getenv("CONTAINERS_REGISTRIES_CONF");
	r = path ? file_add(&conf, path, why) : usual_load(&conf, why);
	if (r == 0 && path)
		r = diag_set(why, -ENOENT, "there is no %s", path);
	if (r < 0)
		return r;
	*ret = conf;
	conf = (struct registries_conf){0}; /* handed over */
	return 0;
}
