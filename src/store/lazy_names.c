/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "store/lazy_names.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/folder.h"
#include "store/draft_private.h"
#include "store/lazies.h"
#include "store/lazies_private.h"
#include "store/store_private.h"
#include "store/streams.h"

int lazy_names_open(const struct store *store, bool makes, struct diag *why)
{
	CLEAN(fd_closep) int place = lazy_place_open(store, makes, why);

	return place < 0 ? place : folder_open(place, "names", makes, why);
}

static int name_encode(const char *tag, struct buf *ret)
{
	int r = stream_name_encode(span_of_string(tag), ret);

	return r < 0 || !buf_string(ret) ? -ENOMEM : 0;
}

int lazy_name_set(const struct store *store, const char *tag, const struct digest *manifest,
		  struct diag *why)
{
	CLEAN(fd_closep) int names = lazy_names_open(store, true, why);
	CLEAN(buf_release) struct buf encoded = {0};
	char target[LAZY_FOLDER_SIZE_MAX], name[TEMPORARY_NAME_SIZE];
	int r;

	if (names < 0)
		return names;
	r = name_encode(tag, &encoded);
	if (r == 0)
		r = temporary_name(LAZY_DRAFT_PREFIX, name);
	if (r < 0)
		return r;
	if (symlinkat(lazy_folder_name(manifest, target), names, name) < 0)
		return diag_errno(why, -errno, "cannot make a name");
	if (renameat(names, name, names, buf_string(&encoded)) < 0 || fsync(names) < 0) {
		r = -errno;
		(void)unlinkat(names, name, 0);
		return diag_errno(why, r, "cannot set the name '%.200s'", tag);
	}
	return 0;
}

static int name_read(int names, const char *encoded, struct digest *ret)
{
	char target[LAZY_FOLDER_SIZE_MAX];
	ssize_t size = readlinkat(names, encoded, target, sizeof(target));

	if (size < 0 || (size_t)size >= sizeof(target))
		return -ENOENT;
	target[size] = '\0';
	return lazy_folder_name_parse(target, ret) ? 0 : -ENOENT;
}

int lazy_name_get(const struct store *store, const char *tag, struct digest *ret)
{
	CLEAN(fd_closep) int names = lazy_names_open(store, false, NULL);
	CLEAN(buf_release) struct buf encoded = {0};
	int r;

	if (names < 0)
		return -ENOENT;
	r = name_encode(tag, &encoded);
	return r < 0 ? r : name_read(names, buf_string(&encoded), ret);
}

int lazy_name_remove(const struct store *store, const char *tag, struct diag *why)
{
	CLEAN(fd_closep) int names = lazy_names_open(store, false, why);
	CLEAN(buf_release) struct buf encoded = {0};
	int r;

	if (names < 0)
		return names;
	r = name_encode(tag, &encoded);
	if (r < 0)
		return r;
	if (unlinkat(names, buf_string(&encoded), 0) < 0)
		return errno == ENOENT || errno == ENAMETOOLONG
			       ? -ENOENT
			       : diag_errno(why, -errno, "cannot remove the name");
	return fsync(names) < 0 ? diag_errno(why, -errno, "cannot remove the name") : 0;
}

int lazy_names_each(const struct store *store, lazy_name_visit *visit, void *context,
		    struct diag *why)
{
	CLEAN(fd_closep) int names = lazy_names_open(store, false, why);
	CLEAN(folder_closep) DIR *dir = NULL;
	const struct dirent *entry;
	int r;

	if (names < 0)
		return names == -ENOENT ? 0 : names;
	dir = folder_read(names);
	r = dir ? 0 : -errno;
	while (r == 0 && (entry = readdir(dir))) {
		CLEAN(buf_release) struct buf tag = {0};
		struct digest manifest;

		if (strncmp(entry->d_name, LAZY_DRAFT_PREFIX, strlen(LAZY_DRAFT_PREFIX)) == 0 ||
		    name_read(names, entry->d_name, &manifest) < 0 ||
		    stream_name_decode(span_of_string(entry->d_name), &tag) < 0 ||
		    !buf_string(&tag))
			continue;
		r = visit(context, buf_string(&tag), &manifest, why);
	}
	return r;
}
