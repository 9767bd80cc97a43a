/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"

static void add_hex(struct buf *out, const void *data, size_t size)
{
	static char text[2 * 65536 + 1];

	hex_encode(span_of(data, size), text);
	(void)buf_append(out, text, 2 * size);
}

static void add_attributes(const char *path, struct buf *out)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		(void)buf_printf(out, "  lstat: errno %d\n", errno);
		return;
	}
	(void)buf_printf(out, "  ino %lu mode %o nlink %lu ids %u:%u rdev %lx size %ld", st.st_ino,
			 st.st_mode, st.st_nlink, st.st_uid, st.st_gid, st.st_rdev, st.st_size);
	(void)buf_printf(out, " blocks %ld*%ld", st.st_blocks, st.st_blksize);
	(void)buf_printf(out, " times %ld.%09ld %ld.%09ld %ld.%09ld\n", st.st_atim.tv_sec,
			 st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			 st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_xattr(const char *path, const char *name, struct buf *out)
{
	static uint8_t value[65536];
	ssize_t size = lgetxattr(path, name, value, sizeof(value));
	ssize_t asked = lgetxattr(path, name, NULL, 0);

	(void)buf_printf(out, "  %s = %zd %zd ", name, size, asked);
	if (size < 0)
		(void)buf_printf(out, "errno %d", errno);
	else
		add_hex(out, value, (size_t)size);
	(void)buf_append_byte(out, '\n');
}

static void add_xattrs(const char *path, enum snapshot_what what, struct buf *out)
{
	static char names[65536];
	const char *sorted[512];
	ssize_t size = llistxattr(path, names, sizeof(names));
	size_t count = 0;

	if (size < 0) {
		(void)buf_printf(out, "  llistxattr: errno %d\n", errno);
		return;
	}
	for (ssize_t at = 0; at < size && count < 512; at += (ssize_t)strlen(names + at) + 1) {
		if (what == SNAPSHOT_ALL || strncmp(names + at, "trusted.", 8) != 0)
			sorted[count++] = names + at;
	}
	qsort(sorted, count, sizeof(sorted[0]), compare_names);
	for (size_t i = 0; i < count; i++)
		add_xattr(path, sorted[i], out);
}

static void add_content(const char *path, struct buf *out)
{
	static uint8_t content[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -errno : fd_read(fd, content, sizeof(content));

	/* Missing contents are found at open(2), or, where that asks nobody, at read(2). */
	(void)buf_printf(out, "  content %zd ", size);
	if (size > 0)
		add_hex(out, content, (size_t)size);
	if (size >= 0)
		(void)buf_printf(out, " hole %ld", lseek(fd, 0, SEEK_HOLE));
	(void)buf_append_byte(out, '\n');
	fd_close(fd);
}

static void add_link(const char *path, struct buf *out)
{
	char target[4096];
	ssize_t size = readlink(path, target, sizeof(target));

	(void)buf_printf(out, "  target %zd %.*s\n", size, size < 0 ? 0 : (int)size, target);
}

static void add_directory(const char *path, enum snapshot_what what, struct buf *out)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, NULL);

	if (count < 0) {
		(void)buf_printf(out, "  scandir: errno %d\n", errno);
		return;
	}
	qsort(entries, (size_t)count, sizeof(entries[0]),
	      (int (*)(const void *, const void *))alphasort);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char child[8192];

		(void)buf_printf(out, "  entry %s type %u ino %lu\n", name, entries[i]->d_type,
				 strcmp(name, "..") == 0 ? 0 : entries[i]->d_ino);
		(void)snprintf(child, sizeof(child), "%s/%s", path, name);
		/* The trees of the tests are some levels deep. */
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			snapshot_take(child, what, out);
		free(entries[i]);
	}
	free(entries);
}

void snapshot_take(const char *path, enum snapshot_what what, struct buf *ret)
{
	const char *name = strrchr(path, '/');
	struct stat st;

	(void)buf_printf(ret, "%s\n", name ? name : path);
	add_attributes(path, ret);
	add_xattrs(path, what, ret);
	if (lstat(path, &st) < 0)
		return;
	if (S_ISREG(st.st_mode))
		add_content(path, ret);
	if (S_ISLNK(st.st_mode))
		add_link(path, ret);
	if (S_ISDIR(st.st_mode))
		add_directory(path, what, ret);
}
