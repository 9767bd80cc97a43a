/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/storage_write.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "oci/descriptor.h"
#include "oci/json.h"

#define DRIVER "overlay"
#define PATH_SIZE_MAX 512
#define LINK_SIZE 26 /* of the short names that keep mount options short, drivers/overlay */
#define EPOCH "1970-01-01T00:00:00Z"

static const char *const folders[] = {DRIVER, DRIVER "/l", DRIVER "-images", DRIVER "-layers"};

char *storage_entry_diff(const struct storage_entry *entry, char *path)
{
	char id[DIGEST_HEX_SIZE_MAX];

	(void)snprintf(path, STORAGE_DIFF_SIZE_MAX, DRIVER "/%s/diff",
		       digest_hex(&entry->config, id));
	return path;
}

/* Files */

/* Podman of any user may read what is here, whatever the umask is. */
#define FOLDER_MODE 0755
#define FILE_MODE 0644

static int folder_make(int directory, const char *path, struct diag *why)
{
	if (mkdirat(directory, path, FOLDER_MODE) == 0) {
		if (fchmodat(directory, path, FOLDER_MODE, 0) == 0)
			return 0;
	} else if (errno == EEXIST) {
		return 0;
	}
	return diag_errno(why, -errno, "cannot make '%s'", path);
}

/* A file appears whole. */
static int file_put(int directory, const char *path, struct span bytes, struct diag *why)
{
	char temporary[PATH_SIZE_MAX + 8];
	CLEAN(fd_closep) int fd = -1;
	int r;

	(void)snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    FILE_MODE);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot make '%s'", temporary);
	r = fchmod(fd, FILE_MODE) < 0 ? -errno : fd_write(fd, bytes.data, bytes.size);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(directory, temporary, directory, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(directory, temporary, 0);
	return r < 0 ? diag_errno(why, r, "cannot write '%s'", path) : 0;
}

static int data_put(int directory, const char *id, const char *key, struct span bytes,
		    struct diag *why)
{
	CLEAN(buf_release) struct buf path = {0};
	int r;

	r = buf_printf(&path, DRIVER "-images/%s/", id);
	if (r == 0 && strchr(key, ':')) {
		r = buf_append_byte(&path, '=');
		if (r == 0)
			r = base64_encode(span_of_string(key), &path);
	} else if (r == 0) {
		r = buf_append_string(&path, key);
	}
	if (r < 0 || !buf_string(&path))
		return -ENOMEM;
	return file_put(directory, buf_string(&path), bytes, why);
}

/* The lists */

static int list_read(int directory, const char *path, json_t **ret, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	CLEAN(fd_closep) int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0 && errno != ENOENT)
		return diag_errno(why, -errno, "cannot open '%s'", path);
	r = fd < 0 ? buf_append_string(&text, "[]") : fd_read_all(fd, STORAGE_LIST_SIZE_MAX, &text);
	if (r < 0)
		return diag_errno(why, r, "cannot read '%s'", path);
	r = oci_json_list_load(buf_span(&text), ret, why);
	return r < 0 ? diag_wrap(why, r, "%s", path) : 0;
}

static int list_write(int directory, const char *path, const json_t *list, struct diag *why)
{
	CLEAN(memory_freep) char *text = json_dumps(list, JSON_COMPACT);

	return text ? file_put(directory, path, span_of_string(text), why) : -ENOMEM;
}

/* Take out what has that id; what has that name loses it. */
static void list_forget(json_t *list, const char *id, const char *name)
{
	for (size_t i = json_array_size(list); i-- > 0;) {
		json_t *item = json_array_get(list, i);
		json_t *names = json_object_get(item, "names");
		const char *found = json_string_value(json_object_get(item, "id"));

		for (size_t j = json_array_size(names); j-- > 0;) {
			const char *text = json_string_value(json_array_get(names, j));

			if (text && strcmp(text, name) == 0)
				(void)json_array_remove(names, j);
		}
		if (found && strcmp(found, id) == 0)
			(void)json_array_remove(list, i);
	}
}

/* Replace an item of a list; item is taken in every case, NULL is -ENOMEM. */
static int list_put(int directory, const char *path, const char *id, const char *name, json_t *item,
		    struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *owned = item;
	CLEAN(oci_json_releasep) json_t *list = NULL;
	int r;

	if (!owned)
		return -ENOMEM;
	r = list_read(directory, path, &list, why);
	if (r < 0)
		return r;
	list_forget(list, id, name);
	if (json_array_append(list, owned) < 0)
		return -ENOMEM;
	return list_write(directory, path, list, why);
}

/* One that is none would make all of the list unreadable. */
static const char *time_or_epoch(const char *text)
{
	static const char form[] = "0000-00-00T00:00:00";
	size_t i = 0;

	while (text && form[i] &&
	       (form[i] == '0' ? isdigit((unsigned char)text[i]) : text[i] == form[i]))
		i++;
	if (!text || form[i])
		return EPOCH;
	if (text[i] == '.') {
		size_t digits = strspn(text + i + 1, "0123456789");

		if (digits == 0 || digits > 9)
			return EPOCH;
		i += 1 + digits;
	}
	return strcmp(text + i, "Z") == 0 ? text : EPOCH;
}

static json_t *image_of(const struct storage_entry *entry, const char *id, const char *manifest_key)
{
	char manifest[OCI_DIGEST_SIZE_MAX], config[OCI_DIGEST_SIZE_MAX];

	oci_digest_text(&entry->manifest, manifest);
	oci_digest_text(&entry->config, config);
	return json_pack("{s:s, s:s, s:[s], s:s, s:s, s:[s,s,s], s:{s:I,s:I,s:I}, s:{s:s,s:s,s:s}}",
			 "id", id, "digest", manifest, "names", entry->name, "layer", id, "created",
			 time_or_epoch(entry->created), "big-data-names", config, manifest_key,
			 "manifest", "big-data-sizes", config, (json_int_t)entry->config_bytes.size,
			 manifest_key, (json_int_t)entry->manifest_bytes.size, "manifest",
			 (json_int_t)entry->manifest_bytes.size, "big-data-digests", config, config,
			 manifest_key, manifest, "manifest", manifest);
}

static json_t *layer_of(const struct storage_entry *entry, const char *id)
{
	char layer[OCI_DIGEST_SIZE_MAX];

	return json_pack("{s:s, s:s, s:s, s:I}", "id", id, "created", time_or_epoch(entry->created),
			 "diff-digest", oci_digest_text(&entry->layer, layer), "diff-size",
			 (json_int_t)entry->size);
}

/* An entry */

/* overlay/<id>/link, and overlay/l/<what it says>, which is what podman mounts. */
static int link_put(int directory, const char *id, struct diag *why)
{
	char name[LINK_SIZE + 1], path[PATH_SIZE_MAX], target[PATH_SIZE_MAX];

	for (size_t i = 0; i < LINK_SIZE; i++)
		name[i] = (char)toupper((unsigned char)id[i]);
	name[LINK_SIZE] = '\0';
	(void)snprintf(path, sizeof(path), DRIVER "/l/%s", name);
	(void)snprintf(target, sizeof(target), "../%s/diff", id);
	if (symlinkat(target, directory, path) < 0 && errno != EEXIST)
		return diag_errno(why, -errno, "cannot make '%s'", path);
	(void)snprintf(path, sizeof(path), DRIVER "/%s/link", id);
	return file_put(directory, path, span_of_string(name), why);
}

static int folders_make(int directory, const struct storage_entry *entry, const char *id,
			struct diag *why)
{
	char path[PATH_SIZE_MAX];
	int r = 0;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && r == 0; i++)
		r = folder_make(directory, folders[i], why);
	(void)snprintf(path, sizeof(path), DRIVER "-images/%s", id);
	if (r == 0)
		r = folder_make(directory, path, why);
	(void)snprintf(path, sizeof(path), DRIVER "/%s", id);
	if (r == 0)
		r = folder_make(directory, path, why);
	/* It may be the root of a mount by now, which is no reason to complain. */
	return r < 0 ? r : folder_make(directory, storage_entry_diff(entry, path), why);
}

/*
 * The locks of containers-storage (pkg/lockfile): all of a file, by its open file description, and
 * in it who wrote last, by which others know that they have to read the lists again. A reader may
 * not be able to make them. Layers before images, as there.
 */
#define LAST_WRITE_SIZE 64

struct locks {
	int layers; /* owned */
	int images; /* owned */
};

static void locks_release(struct locks *locks)
{
	fd_close(locks->images);
	fd_close(locks->layers);
}

static int lock_take(int directory, const char *path, int *ret, struct diag *why)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	CLEAN(fd_closep) int fd = -1;
	int r;

	fd = openat(directory, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (fd >= 0 && fchmod(fd, FILE_MODE) < 0)
		return diag_errno(why, -errno, "cannot make '%s'", path);
	if (fd < 0 && errno == EEXIST)
		fd = openat(directory, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open '%s'", path);
	do
		r = fcntl(fd, F_OFD_SETLKW, &lock);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return diag_errno(why, -errno, "cannot lock '%s'", path);
	*ret = fd_take(&fd);
	return 0;
}

static int locks_take(int directory, struct locks *ret, struct diag *why)
{
	int r = lock_take(directory, DRIVER "-layers/layers.lock", &ret->layers, why);

	return r < 0 ? r : lock_take(directory, DRIVER "-images/images.lock", &ret->images, why);
}

/* Something that nobody else has written there. */
static int lock_touch(int lock, struct diag *why)
{
	uint8_t id[LAST_WRITE_SIZE];
	int r = getrandom(id, sizeof(id), 0) == sizeof(id) ? 0 : -EIO;

	r = r < 0 ? r : fd_pwrite(lock, id, sizeof(id), 0);
	return r < 0 ? diag_errno(why, r, "cannot write into a lock") : 0;
}

int storage_entry_put(int directory, const struct storage_entry *entry, struct diag *why)
{
	char id[DIGEST_HEX_SIZE_MAX], config[OCI_DIGEST_SIZE_MAX];
	char manifest_key[OCI_DIGEST_SIZE_MAX + 16] = "manifest-";
	CLEAN(locks_release) struct locks locks = {-1, -1};
	int r;

	(void)digest_hex(&entry->config, id);
	(void)oci_digest_text(&entry->config, config);
	(void)oci_digest_text(&entry->manifest, manifest_key + strlen("manifest-"));
	r = folders_make(directory, entry, id, why);
	if (r == 0)
		r = locks_take(directory, &locks, why);
	if (r == 0)
		r = link_put(directory, id, why);
	if (r == 0)
		r = data_put(directory, id, config, entry->config_bytes, why);
	if (r == 0)
		r = data_put(directory, id, "manifest", entry->manifest_bytes, why);
	if (r == 0)
		r = data_put(directory, id, manifest_key, entry->manifest_bytes, why);
	/* The layer is there before what is made of it. */
	if (r == 0)
		r = list_put(directory, DRIVER "-layers/layers.json", id, entry->name,
			     layer_of(entry, id), why);
	if (r == 0)
		r = lock_touch(locks.layers, why);
	if (r == 0)
		r = list_put(directory, DRIVER "-images/images.json", id, entry->name,
			     image_of(entry, id, manifest_key), why);
	return r < 0 ? r : lock_touch(locks.images, why);
}
