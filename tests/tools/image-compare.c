/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * image-compare IMAGE DIR [--no-ino] - compare what our reader says of an image with a directory
 *
 * DIR is a mount of the image by the kernel, or by our server, or the source of a plain EROFS image
 * (with --no-ino, as inode numbers are then others'). All metadata must be equal: type and
 * permissions, link counts, owners, devices, sizes, times with nanoseconds, xattrs that the kernel
 * can show, symlink targets, directory entries; and the contents of files that are in the image.
 * Prints each difference and exits 1 when there is one.
 *
 * Looks each name up by image_lookup(), too, and resumes each directory at each entry, so that a
 * passed run covers these. Explicit stack: the depth of the directory is not the depth of calls.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "erofs/image.h"
#include "erofs/mapping.h"

#define DIFFERENCES_SHOWN 100

struct pending {
	struct pending *next;
	uint64_t nid;
	char path[]; /* below DIR */
};

static struct image image;
static int root_fd = -1;
static bool with_ino = true;
static struct pending *pending; /* directories not compared yet */
static uint64_t differences, compared;

static void differ(const char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Names are any bytes, terminals are not for them. */
static void print_escaped(const char *text)
{
	for (; *text; text++) {
		if (*text >= ' ' && *text <= '~')
			(void)putchar(*text);
		else
			(void)printf("\\x%02x", (unsigned char)*text);
	}
}

static void differ(const char *path, const char *format, ...)
{
	CLEAN(memory_freep) char *text = NULL;
	va_list arguments;

	differences++;
	if (differences > DIFFERENCES_SHOWN)
		return;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort();
	va_end(arguments);
	print_escaped(path);
	(void)printf(": ");
	print_escaped(text);
	(void)printf("\n");
}

#define COMPARE(path, what, ours, theirs)                                                   \
	do {                                                                                \
		unsigned long long ours_ = (unsigned long long)(ours);                      \
		unsigned long long theirs_ = (unsigned long long)(theirs);                  \
		if (ours_ != theirs_)                                                       \
			differ((path), "%s: image has %llu, directory %llu", (what), ours_, \
			       theirs_);                                                    \
	} while (0)

static void push(const char *parent, struct span name, uint64_t nid)
{
	size_t size = strlen(parent) + 1 + name.size + 1;
	struct pending *entry = malloc(sizeof(*entry) + size);

	if (!entry)
		abort();
	(void)snprintf(entry->path, size, "%s/%.*s", parent, (int)name.size,
		       name.data ? (const char *)name.data : "");
	entry->nid = nid;
	entry->next = pending;
	pending = entry;
}

/* Linux' new_encode_dev(), as in the image. */
static uint64_t encode_dev(dev_t dev)
{
	return (minor(dev) & 0xff) | (uint64_t)major(dev) << 8 |
	       ((uint64_t)minor(dev) & ~0xffull) << 12;
}

static void compare_stat(const char *path, const struct image_inode *inode, const struct stat *file)
{
	COMPARE(path, "mode", inode->mode, file->st_mode);
	COMPARE(path, "nlink", inode->nlink, file->st_nlink);
	COMPARE(path, "uid", inode->uid, file->st_uid);
	COMPARE(path, "gid", inode->gid, file->st_gid);
	COMPARE(path, "mtime", inode->mtime_sec, file->st_mtim.tv_sec);
	COMPARE(path, "mtime nanoseconds", inode->mtime_nsec, file->st_mtim.tv_nsec);
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		COMPARE(path, "device", inode->rdev, encode_dev(file->st_rdev));
	if (with_ino || !S_ISDIR(inode->mode))
		COMPARE(path, "size", inode->size, file->st_size);
	if (with_ino)
		COMPARE(path, "inode number", inode->nid, file->st_ino);
}

/* The kernel lists keys with these prefixes (Linux 6.18, fs/erofs/xattr.h). */
static bool kernel_lists(const struct image_xattr *xattr)
{
	return xattr->prefix.size && !span_equal(xattr->prefix, SPAN_LITERAL("lustre."));
}

/*
 * It gives no user xattrs of what is neither file nor directory (fs/xattr.c), though it lists them,
 * and of capabilities and ACLs only what it can parse; a dump may hold others.
 */
static bool kernel_refuses(const struct image_inode *inode, const char *key, int error)
{
	bool is_parsed = strcmp(key, "security.capability") == 0 ||
			 strncmp(key, "system.posix_acl_", strlen("system.posix_acl_")) == 0;
	bool is_hidden = strncmp(key, "user.", strlen("user.")) == 0 && !S_ISREG(inode->mode) &&
			 !S_ISDIR(inode->mode);

	return (is_parsed && (error == EINVAL || error == ENODATA)) ||
	       (is_hidden && error == ENODATA);
}

static void compare_xattr(const char *path, int fd, const struct image_inode *inode,
			  const struct image_xattr *xattr)
{
	static char theirs[65536];
	char key[512], link[64];
	struct span ours;
	ssize_t size;
	int length;

	length = snprintf(key, sizeof(key), "%.*s%.*s", (int)xattr->prefix.size,
			  (const char *)xattr->prefix.data, (int)xattr->suffix.size,
			  (const char *)xattr->suffix.data);
	if (image_xattr_get(&image, inode, span_of(key, (size_t)length), &ours, NULL) < 0 ||
	    !span_equal(ours, xattr->value))
		differ(path, "xattr %s: listed but not found", key);
	if (!kernel_lists(xattr) || length > 255) /* XATTR_NAME_MAX: nobody could ask */
		return;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = getxattr(link, key, theirs, sizeof(theirs));
	if (size < 0 && kernel_refuses(inode, key, errno))
		return;
	if (size < 0)
		differ(path, "xattr %s: %s", key, strerror(errno));
	else if (!span_equal(ours, span_of(theirs, (size_t)size)))
		differ(path, "xattr %s: values differ", key);
}

static size_t count_listed(const char *path, int fd)
{
	static char list[65536];
	char link[64];
	ssize_t size;
	size_t count = 0;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = listxattr(link, list, sizeof(list));
	if (size < 0 &&
	    errno == E2BIG) /* more than the VFS can list: keys were compared one by one */
		return SIZE_MAX;
	if (size < 0 && errno != EOPNOTSUPP)
		differ(path, "cannot list xattrs: %s", strerror(errno));
	for (ssize_t i = 0; i < size; i++)
		count += list[i] == '\0';
	return count;
}

static void compare_xattrs(const char *path, int fd, const struct image_inode *inode)
{
	struct image_xattr xattr;
	struct diag why = {0};
	size_t count = 0, listed;
	uint64_t position = 0;
	int r;

	while ((r = image_xattr_next(&image, inode, position, &xattr, &why)) == 1) {
		compare_xattr(path, fd, inode, &xattr);
		count += kernel_lists(&xattr);
		position = xattr.next;
	}
	if (r < 0)
		differ(path, "xattrs: %s", diag_text(&why, r));
	listed = count_listed(path, fd);
	if (listed != SIZE_MAX)
		COMPARE(path, "count of xattrs", count, listed);
}

static void compare_target(const char *path, int fd, const struct image_inode *inode)
{
	struct diag why = {0};
	struct span target;
	char theirs[8192];
	ssize_t size;
	int r;

	r = image_readlink(&image, inode, &target, &why);
	if (r < 0) {
		differ(path, "target: %s", diag_text(&why, r));
		return;
	}
	size = readlinkat(fd, "", theirs, sizeof(theirs));
	if (size < 0 || !span_equal(target, span_of(theirs, (size_t)size)))
		differ(path, "target of %zu bytes, directory has one of %zd", target.size, size);
}

/* Compare what the image has of [offset, offset + size of the extent), a buffer at a time. */
static bool compare_extent(int fd, const struct image_extent *extent, uint64_t offset)
{
	static uint8_t theirs[1 << 16];
	static const uint8_t zeros[1 << 16];

	for (uint64_t done = 0; done < extent->size;) {
		uint64_t left = extent->size - done;
		size_t part = left < sizeof(theirs) ? (size_t)left : sizeof(theirs);
		const uint8_t *ours = extent->is_hole ? zeros : extent->bytes.data + done;

		if (fd_pread(fd, theirs, part, offset + done) != (ssize_t)part ||
		    memcmp(ours, theirs, part) != 0)
			return false;
		done += part;
	}
	return true;
}

static void compare_content(const char *path, int parent_fd, const char *name,
			    const struct image_inode *inode)
{
	CLEAN(fd_closep) int fd = -1;
	struct image_extent extent;
	struct diag why = {0};
	uint64_t offset = 0;
	int r;

	if (image_inode_is_external(&image, inode)) /* the object has it, or a mount shows it */
		return;
	fd = openat(parent_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		differ(path, "cannot open: %s", strerror(errno));
		return;
	}
	while ((r = image_extent(&image, inode, offset, &extent, &why)) == 1) {
		if (!compare_extent(fd, &extent, offset)) {
			differ(path, "contents differ behind offset %llu",
			       (unsigned long long)offset);
			return;
		}
		offset += extent.size;
	}
	if (r < 0)
		differ(path, "content: %s", diag_text(&why, r));
}

static void compare_entry(const char *path, int parent_fd, const char *name, uint64_t nid)
{
	CLEAN(fd_closep) int fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct image_inode inode;
	struct diag why = {0};
	struct stat file;
	int r;

	compared++;
	r = image_inode(&image, nid, &inode, &why);
	if (r < 0) {
		differ(path, "%s", diag_text(&why, r));
		return;
	}
	if (fd < 0 || fstat(fd, &file) < 0) {
		differ(path, "%s", strerror(errno));
		return;
	}
	compare_stat(path, &inode, &file);
	compare_xattrs(path, fd, &inode);
	if (S_ISLNK(inode.mode))
		compare_target(path, fd, &inode);
	else if (S_ISREG(inode.mode))
		compare_content(path, parent_fd, name, &inode);
}

static size_t count_entries(const char *path, int fd)
{
	int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = duplicate < 0 ? NULL : fdopendir(duplicate);
	size_t count = 0;

	if (!dir) {
		differ(path, "cannot list: %s", strerror(errno));
		return 0;
	}
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

static void compare_child(const struct pending *dir, int dir_fd, const struct image_inode *inode,
			  const struct image_dirent *entry)
{
	CLEAN(memory_freep) char *path = NULL;
	struct image_dirent found;
	struct image_inode child;
	char name[256];

	(void)snprintf(name, sizeof(name), "%.*s", (int)entry->name.size,
		       (const char *)entry->name.data);
	if (asprintf(&path, "%s/%s", dir->path, name) < 0)
		abort();
	if (image_lookup(&image, inode, entry->name, &found, NULL) < 0 || found.nid != entry->nid)
		differ(path, "listed but not found");
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	compare_entry(path, dir_fd, name, entry->nid);
	if (image_inode(&image, entry->nid, &child, NULL) == 0 && S_ISDIR(child.mode))
		push(dir->path, entry->name, entry->nid);
}

static int open_below_root(const char *path)
{
	return openat(root_fd, path[0] ? path + 1 : ".",
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static void compare_dir(const struct pending *dir)
{
	CLEAN(fd_closep) int fd = open_below_root(dir->path);
	struct image_dirent entry;
	struct image_inode inode;
	struct diag why = {0};
	uint64_t position = 0;
	size_t count = 0;
	int r;

	r = image_inode(&image, dir->nid, &inode, &why);
	if (r < 0 || fd < 0) {
		differ(dir->path, "%s", r < 0 ? diag_text(&why, r) : strerror(errno));
		return;
	}
	while ((r = image_dir_next(&image, &inode, position, &entry, &why)) == 1) {
		compare_child(dir, fd, &inode, &entry);
		position = entry.next;
		count++;
	}
	if (r < 0)
		differ(dir->path, "%s", diag_text(&why, r));
	COMPARE(dir->path, "count of entries", count, count_entries(dir->path, fd));
}

static int run(const char *image_path, const char *dir_path, struct diag *why)
{
	CLEAN(fd_closep) int fd = open(image_path, O_RDONLY | O_CLOEXEC);
	CLEAN(mapping_closep) struct mapping *mapping = NULL;
	int r;

	if (fd < 0)
		return diag_errno(why, -errno, "%s", image_path);
	root_fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return diag_errno(why, -errno, "%s", dir_path);
	r = mapping_open(fd, &mapping, why);
	if (r < 0)
		return r;
	r = image_open(mapping_bytes(mapping), &image, why);
	if (r < 0)
		return r;
	compare_entry("/", root_fd, ".", image.root_nid);
	push("", SPAN_EMPTY, image.root_nid);
	pending->path[0] = '\0';
	while (pending) {
		struct pending *dir = pending;

		pending = dir->next;
		compare_dir(dir);
		free(dir);
	}
	fd_close(root_fd);
	return 0;
}

int main(int argc, char **argv)
{
	struct diag why = {0};
	int r;

	with_ino = !(argc == 4 && strcmp(argv[3], "--no-ino") == 0);
	if (argc < 3 || argc > 4 || (argc == 4 && with_ino)) {
		(void)fprintf(stderr, "usage: image-compare IMAGE DIR [--no-ino]\n");
		return 2;
	}
	r = run(argv[1], argv[2], &why);
	if (r < 0) {
		(void)fprintf(stderr, "image-compare: %s\n", diag_text(&why, r));
		return 2;
	}
	(void)printf("%llu inodes by name compared, %llu differences\n",
		     (unsigned long long)compared, (unsigned long long)differences);
	return differences != 0;
}
