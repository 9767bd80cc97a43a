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
#include "base/folder.h"
#include "base/limits.h"
#include "serve/objects.h"
#include "serve/view_private.h"

#define PLACE_BITS 17
#define PLACE_COUNT (1u << PLACE_BITS)
#define KEY_MAX (PLACE_COUNT / 4 * 3) /* fuller, and looking becomes slow */
#define PREFIX_DIGITS 2
#define REST_DIGITS 6 /* of a key, behind the prefix */
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
	uint32_t count;
	uint32_t counts[PREFIX_COUNT]; /* of keys */
	uint32_t keys[PLACE_COUNT];    /* 0: nothing there */
	uint8_t found[PLACE_COUNT / 8];
	struct step steps[DEPTH_MAX + 1];
};

/* Knuth's multiplicative hash; places in a row, around the end. */
static uint32_t place_of(uint32_t key)
{
	return key * 0x9e3779b1u >> (32 - PLACE_BITS);
}

static uint32_t place_next(uint32_t place)
{
	return (place + 1) & (PLACE_COUNT - 1);
}

/* 0 is no key: a table has to be empty somehow. */
static uint32_t key_of(uint32_t digits)
{
	return digits ? digits : 1;
}

/* Returns 0, or 1 where there is no room for it. */
static int key_add(struct search *search, uint32_t key)
{
	uint32_t prefix = key >> PREFIX_SHIFT, place = place_of(key);

	if (prefix < search->low || prefix >= search->high)
		return 0;
	for (; search->keys[place]; place = place_next(place)) {
		if (search->keys[place] == key)
			return 0;
	}
	if (search->count == KEY_MAX)
		return 1;
	search->keys[place] = key;
	search->count++;
	search->counts[prefix]++;
	return 0;
}

static void key_found(struct search *search, uint32_t key)
{
	for (uint32_t place = place_of(key); search->keys[place]; place = place_next(place)) {
		if (search->keys[place] == key)
			search->found[place / 8] |= (uint8_t)(1u << place % 8);
	}
}

static void keys_clear(struct search *search)
{
	memset(search->keys, 0, sizeof(search->keys));
	memset(search->counts, 0, sizeof(search->counts));
	search->count = 0;
}

/* There were too many keys. Returns 0, or -E2BIG where one prefix alone has them. */
static int range_narrow(struct search *search)
{
	uint32_t high = search->low + 1, count = search->counts[search->low];

	if (search->high == high)
		return -E2BIG;
	/* More will come: the walk was not at its end. */
	while (count + search->counts[high] <= KEY_MAX / 2)
		count += search->counts[high++];
	search->high = high < search->high ? high : search->high - 1;
	return 0;
}

/* Of "cdef01...", in the directory of a prefix. */
static bool key_of_name(uint32_t prefix, const char *name, uint32_t *ret)
{
	uint8_t bytes[REST_DIGITS / 2];

	if (strnlen(name, REST_DIGITS) < REST_DIGITS ||
	    !hex_decode(span_of(name, REST_DIGITS), bytes, sizeof(bytes)))
		return false;
	*ret = key_of(prefix << PREFIX_SHIFT | (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 |
		      bytes[2]);
	return true;
}

/* Of "ab/cdef01...". */
static bool key_of_path(const char *path, uint32_t *ret)
{
	uint8_t prefix;

	return strnlen(path, PREFIX_DIGITS + 1) > PREFIX_DIGITS && path[PREFIX_DIGITS] == '/' &&
	       hex_decode(span_of(path, PREFIX_DIGITS), &prefix, sizeof(prefix)) &&
	       key_of_name(prefix, path + PREFIX_DIGITS + 1, ret);
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

/* Returns 0, -errno, or what visit() returned. In a tree each entry is met once. */
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
		if (r != 0)
			return r;
	}
	return 0;
}

static int list_open(int objects_fd, uint32_t prefix, DIR **ret)
{
	CLEAN(fd_closep) int fd = -1;
	char name[PREFIX_DIGITS + 1];

	(void)snprintf(name, sizeof(name), "%02x", prefix & (PREFIX_COUNT - 1));
	fd = fd_open_within(objects_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, OBJECT_RESOLVE);
	if (fd < 0)
		return fd;
	*ret = folder_read_taken(&fd);
	return *ret ? 0 : -errno;
}

/* Or have its objects looked up. */
static int search_list(struct search *search, int objects_fd, uint32_t prefix)
{
	CLEAN(folder_closep) DIR *dir = NULL;
	const struct dirent *entry;
	struct stat st;
	int r = list_open(objects_fd, prefix, &dir);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (fstat(dirfd(dir), &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size / LIST_SIZE_MAX > search->counts[prefix]) {
		search->looks[prefix] = search->has_looks = true;
		return 0;
	}
	for (;;) {
		uint32_t key;

		if (atomic_load(search->stop))
			return -ECANCELED;
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
			continue;
		if (key_of_name(prefix, entry->d_name, &key))
			key_found(search, key);
	}
}

static int search_lists(struct search *search)
{
	memset(search->found, 0, sizeof(search->found));
	for (uint32_t prefix = search->low; prefix < search->high; prefix++) {
		for (size_t n = 0; n < search->view->object_fd_count &&
				   search->counts[prefix] > 0 && !search->looks[prefix];
		     n++) {
			int r = search_list(search, search->view->object_fds[n], prefix);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static bool all_found(const struct search *search)
{
	for (uint32_t place = 0; place < PLACE_COUNT; place++) {
		uint32_t key = search->keys[place];

		if (key && !(search->found[place / 8] & 1u << place % 8) &&
		    !search->looks[key >> PREFIX_SHIFT])
			return false;
	}
	return true;
}

/* All keys of a range that begins at low, as wide as they fit. */
static int search_collect(struct search *search)
{
	int r;

	for (;;) {
		keys_clear(search);
		r = search_walk(search, visit_collect);
		if (r <= 0)
			return r;
		r = range_narrow(search);
		if (r < 0)
			return r;
	}
}

static int search_pass(struct search *search)
{
	int r = search_collect(search);

	if (r == 0)
		r = search_lists(search);
	if (r == 0 && !all_found(search))
		search->is_missing = true;
	if (r == 0 && !search->is_missing && search->has_looks)
		r = search_walk(search, visit_look);
	return r;
}

/* As wide as the last one, or twice that where it has left room. */
static void range_next(struct search *search)
{
	uint32_t width = search->high - search->low;

	if (search->count <= KEY_MAX / 2)
		width *= 2;
	search->low = search->high;
	search->high = width < PREFIX_COUNT - search->low ? search->low + width : PREFIX_COUNT;
	search->has_looks = false;
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
	search->high = PREFIX_COUNT;
	search->has_looks = false;
	while (r == 0 && search->low < PREFIX_COUNT && !search->is_missing) {
		r = search_pass(search);
		range_next(search);
	}
	r = view_result(view, r);
	if (r == 0)
		*ret = search->is_missing;
	return r;
}
