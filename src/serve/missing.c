/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * missing.c
 *
 * A key is the first eight hexadecimal digits of an object's name. A pass walks the image and
 * collects the keys of a range of prefixes ("ab"), as many as fit; then it lists the directories of
 * that range, and takes off what it finds. The next pass goes on with the prefixes that are left.
 *
 * A few objects in a large directory are cheaper to look up, and so are those with other names: the
 * pass walks the image once more for them.
 */
#include "serve/missing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/limits.h"
#include "serve/objects.h"
#include "serve/view_private.h"

#define KEY_MAX ((size_t)128 * 1024)
#define KEY_WIDE (KEY_MAX / 4 * 3) /* more that differ, and the range becomes narrower */
#define KEY_DIGITS 8
#define PREFIX_DIGITS 2
#define PREFIX_COUNT 256
#define PREFIX_SHIFT 24
#define DIRENT_SIZE_MIN 12 /* of an EROFS directory, without its name */

/*
 * What a directory may have in bytes for each key, and still be listed: a name of 62 digits takes
 * 72 in ext4, and to read it a twentieth of what a look-up takes.
 */
#define LIST_SIZE_MAX 1440

struct step {
	uint64_t nid;
	uint64_t position;
};

struct search {
	const struct view *view;
	const atomic_bool *stop;
	bool is_missing;
	uint32_t low, high; /* the range of prefixes: from low on, below high */
	bool has_looks;     /* something is to be looked up: other names, and these prefixes: */
	bool looks[PREFIX_COUNT];
	size_t count;
	uint32_t keys[KEY_MAX]; /* sorted where that is said; may have some twice */
	uint8_t found[KEY_MAX / 8];
	struct step steps[DEPTH_MAX + 1];
};

static int compare_keys(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

static void keys_sort(struct search *search)
{
	size_t count = 0;

	qsort(search->keys, search->count, sizeof(search->keys[0]), compare_keys);
	for (size_t i = 0; i < search->count; i++) {
		if (count == 0 || search->keys[i] != search->keys[count - 1])
			search->keys[count++] = search->keys[i];
	}
	search->count = count;
}

/* Make room. Returns 0, or -E2BIG where one prefix alone has too many. */
static int keys_shrink(struct search *search)
{
	uint32_t middle;

	keys_sort(search);
	if (search->count <= KEY_WIDE)
		return 0;
	middle = search->keys[search->count / 2] >> PREFIX_SHIFT;
	search->high = middle > search->low ? middle : search->low + 1;
	while (search->keys[search->count - 1] >> PREFIX_SHIFT >= search->high)
		search->count--;
	return search->count <= KEY_WIDE ? 0 : -E2BIG;
}

static int key_add(struct search *search, uint32_t key)
{
	uint32_t prefix = key >> PREFIX_SHIFT;

	if (prefix < search->low || prefix >= search->high)
		return 0;
	search->keys[search->count++] = key;
	return search->count == KEY_MAX ? keys_shrink(search) : 0;
}

static void key_found(struct search *search, uint32_t key)
{
	const uint32_t *at = bsearch(&key, search->keys, search->count, sizeof(key), compare_keys);

	if (at) {
		size_t index = (size_t)(at - search->keys);

		search->found[index / 8] |= (uint8_t)(1u << index % 8);
	}
}

static bool key_parse(struct span digits, uint32_t *ret)
{
	uint8_t bytes[KEY_DIGITS / 2];

	if (digits.size < KEY_DIGITS ||
	    !hex_decode(span_of(digits.data, KEY_DIGITS), bytes, sizeof(bytes)))
		return false;
	*ret = (uint32_t)bytes[0] << PREFIX_SHIFT | (uint32_t)bytes[1] << 16 |
	       (uint32_t)bytes[2] << 8 | bytes[3];
	return true;
}

/* Of "ab/cdef01...", the digits without their slash. */
static bool key_of_path(const char *path, uint32_t *ret)
{
	size_t size = strlen(path);
	char digits[KEY_DIGITS];

	if (size <= KEY_DIGITS || path[PREFIX_DIGITS] != '/')
		return false;
	memcpy(digits, path, PREFIX_DIGITS);
	memcpy(digits + PREFIX_DIGITS, path + PREFIX_DIGITS + 1, KEY_DIGITS - PREFIX_DIGITS);
	return key_parse(span_of(digits, sizeof(digits)), ret);
}

typedef int search_visit(struct search *search, const char *path);

static int visit_collect(struct search *search, const char *path)
{
	uint32_t key;

	if (key_of_path(path, &key))
		return key_add(search, key);
	search->has_looks = search->has_looks || search->low == 0;
	return 0;
}

static bool is_looked_up(const struct search *search, const char *path)
{
	uint32_t key, prefix;

	if (!key_of_path(path, &key))
		return search->low == 0; /* once is enough */
	prefix = key >> PREFIX_SHIFT;
	return prefix >= search->low && prefix < search->high && search->looks[prefix];
}

static int visit_look(struct search *search, const char *path)
{
	CLEAN(fd_closep) int fd = -1;
	struct stat st;

	if (!is_looked_up(search, path))
		return 0;
	fd = object_open_path(search->view, path, O_PATH);
	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		search->is_missing = true;
	return 0;
}

static int search_file(struct search *search, const struct image_inode *inode, search_visit *visit)
{
	char path[PAYLOAD_SIZE_MAX + 1];
	int r;

	if (!image_inode_is_external(search->view->image, inode))
		return 0;
	r = object_path(search->view, inode, path, sizeof(path));
	return r < 0 ? r : visit(search, path);
}

/* The entry itself, or one step down. */
static int search_entry(struct search *search, const struct image_dirent *entry,
			search_visit *visit, size_t *depth)
{
	struct image_inode inode;
	int r;

	if (span_equal(entry->name, SPAN_LITERAL(".")) ||
	    span_equal(entry->name, SPAN_LITERAL("..")))
		return 0;
	r = image_inode(search->view->image, entry->nid, &inode, NULL);
	if (r < 0)
		return r;
	if (S_ISREG(inode.mode))
		return search_file(search, &inode, visit);
	if (!S_ISDIR(inode.mode))
		return 0;
	if (*depth > DEPTH_MAX)
		return -ELOOP;
	search->steps[(*depth)++] = (struct step){.nid = inode.nid};
	return 0;
}

/* In an image whose directories are a tree each entry is met once. */
static int search_walk(struct search *search, search_visit *visit)
{
	const struct image *image = search->view->image;
	size_t left = image->bytes.size / DIRENT_SIZE_MIN, depth = 1;
	int r;

	search->steps[0] = (struct step){.nid = image->root_nid};
	while (depth > 0) {
		struct step *step = &search->steps[depth - 1];
		struct image_inode dir;
		struct image_dirent entry;

		if (atomic_load(search->stop))
			return -ECANCELED;
		r = image_inode(image, step->nid, &dir, NULL);
		if (r == 0)
			r = image_dir_next(image, &dir, step->position, &entry, NULL);
		if (r < 0)
			return r;
		if (r == 0) {
			depth--;
			continue;
		}
		if (left-- == 0)
			return -ELOOP;
		step->position = entry.next;
		r = search_entry(search, &entry, visit, &depth);
		if (r < 0)
			return r;
	}
	return 0;
}

static void dir_closep(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static int list_open(int objects_fd, uint32_t prefix, DIR **ret)
{
	CLEAN(fd_closep) int fd = -1;
	char name[PREFIX_DIGITS + 1];

	(void)snprintf(name, sizeof(name), "%02x", prefix & (PREFIX_COUNT - 1));
	fd = fd_open_within(objects_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, OBJECT_RESOLVE);
	if (fd < 0)
		return fd;
	*ret = fdopendir(fd);
	if (!*ret)
		return -errno;
	(void)fd_take(&fd);
	return 0;
}

/* Or have its objects looked up. count: of the keys that have this prefix. */
static int search_list(struct search *search, int objects_fd, uint32_t prefix, size_t count)
{
	CLEAN(dir_closep) DIR *dir = NULL;
	const struct dirent *entry;
	struct stat st;
	int r = list_open(objects_fd, prefix, &dir);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (fstat(dirfd(dir), &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size / LIST_SIZE_MAX > count) {
		search->looks[prefix] = search->has_looks = true;
		return 0;
	}
	for (;;) {
		char digits[KEY_DIGITS + 1];
		uint32_t key;

		if (atomic_load(search->stop))
			return -ECANCELED;
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
			continue;
		(void)snprintf(digits, sizeof(digits), "%02x%.*s", prefix & (PREFIX_COUNT - 1),
			       KEY_DIGITS - PREFIX_DIGITS, entry->d_name);
		if (key_parse(span_of_string(digits), &key))
			key_found(search, key);
	}
}

static int search_lists(struct search *search)
{
	memset(search->found, 0, sizeof(search->found));
	for (size_t i = 0, at = 0; i < search->count; i = at) {
		uint32_t prefix = search->keys[i] >> PREFIX_SHIFT;

		while (at < search->count && search->keys[at] >> PREFIX_SHIFT == prefix)
			at++;
		for (size_t n = 0; n < search->view->object_fd_count && !search->looks[prefix];
		     n++) {
			int r = search_list(search, search->view->object_fds[n], prefix, at - i);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static bool all_found(const struct search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		if (!(search->found[i / 8] & 1u << i % 8) &&
		    !search->looks[search->keys[i] >> PREFIX_SHIFT])
			return false;
	}
	return true;
}

static int search_pass(struct search *search)
{
	int r;

	search->high = PREFIX_COUNT;
	search->count = 0;
	search->has_looks = false;
	r = search_walk(search, visit_collect);
	if (r < 0)
		return r;
	keys_sort(search);
	r = search_lists(search);
	if (r == 0 && !all_found(search))
		search->is_missing = true;
	if (r == 0 && !search->is_missing && search->has_looks)
		r = search_walk(search, visit_look);
	search->low = search->high;
	return r;
}

int missing_any(const struct view *view, const atomic_bool *stop, bool *ret)
{
	CLEAN(memory_freep) struct search *search = malloc(sizeof(*search));
	int r = 0;

	if (!search)
		return -ENOMEM;
	search->view = view;
	search->stop = stop;
	search->is_missing = false;
	memset(search->looks, 0, sizeof(search->looks));
	search->low = 0;
	while (r == 0 && search->low < PREFIX_COUNT && !search->is_missing)
		r = search_pass(search);
	r = view_result(view, r);
	if (r == 0)
		*ret = search->is_missing;
	return r;
}
