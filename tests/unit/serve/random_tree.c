/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "random_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"

#define WIDE 700
#define DEEP 60
#define DIRS_MAX 512
#define TARGETS_MAX 512

const struct random_object random_objects[RANDOM_OBJECTS] = {
	{"a0/one", 1}, {"a0/few", 65}, {"b1/page", 4096}, {"b1/more", 70001}, {"c2/same", 5000},
};

uint64_t random_next(struct random *random)
{
	uint64_t mixed = random->state += 0x9e3779b97f4a7c15u; /* splitmix64 */

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
	return mixed ^ mixed >> 31;
}

uint32_t random_below(struct random *random, uint32_t limit)
{
	return (uint32_t)((random_next(random) >> 32) * limit >> 32);
}

bool random_chance(struct random *random, uint32_t percent)
{
	return random_below(random, 100) < percent;
}

uint8_t random_object_byte(size_t object, uint64_t offset)
{
	return (uint8_t)(offset * 7 / 3 + object * 41);
}

void random_objects_make(int dir_fd)
{
	for (size_t i = 0; i < RANDOM_OBJECTS; i++) {
		const struct random_object *object = &random_objects[i];
		char dir[3] = {object->path[0], object->path[1], '\0'};
		uint8_t *content = malloc(object->size);
		int fd;

		(void)mkdirat(dir_fd, dir, 0755);
		fd = openat(dir_fd, object->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		for (uint64_t at = 0; content && at < object->size; at++)
			content[at] = random_object_byte(i, at);
		if (fd < 0 || !content || fd_write(fd, content, object->size) < 0)
			abort();
		fd_close(fd);
		free(content);
	}
}

struct generator {
	struct random *random;
	struct tree *tree;
	struct inode *dirs[DIRS_MAX];
	size_t dir_count;
	struct inode *targets[TARGETS_MAX]; /* of hard links */
	size_t target_count;
};

static void must(int r)
{
	if (r < 0) {
		(void)fprintf(stderr, "random_tree: errno %d\n", -r);
		abort();
	}
}

/* Bytes that are neither NUL nor '/', and text of few letters, so that names have neighbours. */
static struct span some_name(struct random *random, char *room)
{
	static const uint32_t sizes[] = {1, 2, 3, 8, 20, 40, 200, 255};
	size_t size = 1 + random_below(random, sizes[random_below(random, 8)]);
	bool is_wild = random_chance(random, 20);

	if (random_chance(random, 10)) { /* the name of a stub */
		(void)snprintf(room, 4, "%02x", random_below(random, 256));
		return span_of_string(room);
	}
	for (size_t i = 0; i < size; i++) {
		char letter = (char)random_below(random, 256);

		if (!is_wild || letter == '/' || letter == '\0')
			letter = "abc.-"[random_below(random, 5)];
		room[i] = letter;
	}
	return span_of(room, size > NAME_SIZE_MAX ? NAME_SIZE_MAX : size);
}

static struct span some_key(struct random *random, char *room)
{
	static const char *const prefixes[] = {
		"user.",
		"user.overlay.",
		"user.overlay.overlay.",
		"trusted.",
		"trusted.overlay.",
		"trusted.overlay.overlay.",
		"security.",
		"lustre.",
		"odd",
		"system.posix_acl_accessory",
	};
	static const char *const words[] = {"opaque",    "metacopy", "redirect", "whiteout",
					    "whiteouts", "a",        "b",        "note"};
	const char *prefix = prefixes[random_below(random, 10)];
	size_t size = strlen(prefix);

	(void)memcpy(room, prefix, size);
	if (random_chance(random, 80)) {
		const char *word = words[random_below(random, 8)];

		(void)memcpy(room + size, word, strlen(word));
		return span_of(room, size + strlen(word));
	}
	do {
		room[size++] = (char)(1 + random_below(random, 255));
	} while (size < XATTR_KEY_SIZE_MAX && random_chance(random, 99));
	return span_of(room, size);
}

static void add_xattrs(struct generator *generator, struct inode *inode)
{
	static const uint32_t sizes[] = {1, 2, 10, 40, 600, 3000};
	struct random *random = generator->random;
	size_t count = random_below(random, random_chance(random, 95) ? 6 : 150);
	char key[XATTR_KEY_SIZE_MAX], value[3000];

	if (random_chance(random, 50))
		return;
	for (size_t i = 0; i < count; i++) {
		size_t size = random_below(random, sizes[random_below(random, 6)]);
		struct span name = some_key(random, key);
		int r;

		/* Few different ones, so that some are shared. */
		memset(value, (int)random_below(random, 4), size);
		r = tree_xattr_set(generator->tree, inode, name, span_of(value, size), NULL);
		if (r != -E2BIG)
			must(r);
	}
	if (random_chance(random, 2))
		(void)tree_xattr_set(generator->tree, inode,
				     SPAN_LITERAL("system.posix_acl_access"),
				     SPAN_LITERAL("\2\0\0\0"), NULL);
}

static struct inode *some_inode(struct generator *generator, uint32_t mode)
{
	static const uint32_t ids[] = {0, 0, 0, 1000, 65535, 65536, 4294967294};
	struct random *random = generator->random;
	struct inode *inode = tree_inode_new(generator->tree, mode | random_below(random, 010000));

	must(inode ? 0 : -ENOMEM);
	inode->uid = ids[random_below(random, 7)];
	inode->gid = ids[random_below(random, 7)];
	inode->mtime_sec = 1000;
	if (random_chance(random, 30)) {
		inode->mtime_sec = (int64_t)random_below(random, 3000) - 1000;
		inode->mtime_nsec = random_below(random, 1000000000);
	}
	if (!inode_is_dir(inode) && random_chance(random, 10))
		inode->nlink = 1 + random_below(random, 1u << 17);
	add_xattrs(generator, inode);
	return inode;
}

static void make_external(struct generator *generator, struct inode *inode)
{
	struct random *random = generator->random;
	const struct random_object *object = &random_objects[random_below(random, RANDOM_OBJECTS)];
	struct digest digest = {.algorithm = DIGEST_SHA256};
	struct span payload = span_of_string(object->path);

	inode->size = object->size;
	switch (random_below(random, 10)) {
	case 0:
		payload = SPAN_LITERAL("a0/none");
		inode->size = 1ull << random_below(random, 54);
		break;
	case 1:
		payload = SPAN_LITERAL("../a0/one");
		break;
	case 2:
		payload = SPAN_EMPTY;
		break;
	case 3:
		inode->size++;
		break;
	default:
		break;
	}
	memset(digest.bytes, (int)random_below(random, 256), 32);
	must(inode_external_set(generator->tree, inode, payload.size ? &payload : NULL,
				random_chance(random, 50) ? &digest : NULL));
}

static void make_regular(struct generator *generator, struct inode *inode)
{
	static const uint32_t sizes[] = {64, 600, 2047, 2048, 2049, 4095, 4096, 4097, 5000};
	struct random *random = generator->random;
	uint8_t content[INLINE_SIZE_MAX];
	uint32_t size;

	if (random_chance(random, 40)) {
		make_external(generator, inode);
		return;
	}
	if (random_chance(random, 10))
		return; /* empty */
	size = sizes[random_below(random, 9)] - random_below(random, 2);
	for (uint32_t i = 0; i < size; i++)
		content[i] = (uint8_t)random_below(random, 256);
	must(inode_content_set(generator->tree, inode, span_of(content, size)));
	inode->size = size;
}

static void make_symlink(struct generator *generator, struct inode *inode)
{
	static const uint32_t sizes[] = {5, 60, 600, 4000, 4095};
	struct random *random = generator->random;
	char target[SYMLINK_SIZE_MAX];
	size_t size = sizes[random_below(random, 5)];

	for (size_t i = 0; i < size; i++)
		target[i] = (char)(1 + random_below(random, 255));
	must(inode_target_set(generator->tree, inode, span_of(target, size)));
	inode->size = size;
}

static struct inode *some_file(struct generator *generator)
{
	static const uint32_t kinds[] = {S_IFREG, S_IFREG, S_IFREG, S_IFREG, S_IFLNK,  S_IFLNK,
					 S_IFCHR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, S_IFREG};
	struct random *random = generator->random;
	struct inode *inode = some_inode(generator, kinds[random_below(random, 12)]);

	if (S_ISREG(inode->mode))
		make_regular(generator, inode);
	else if (S_ISLNK(inode->mode))
		make_symlink(generator, inode);
	else if (S_ISBLK(inode->mode) || (S_ISCHR(inode->mode) && random_chance(random, 30)))
		inode->rdev = (uint32_t)random_next(random);
	return inode;
}

static bool link_somewhere(struct generator *generator, struct inode *dir, struct inode *inode)
{
	char name[NAME_SIZE_MAX + 1];
	struct dentry *dentry;
	int r = tree_link(generator->tree, dir, some_name(generator->random, name), inode, &dentry,
			  NULL);

	if (r != -EEXIST && r != -EINVAL) /* "." and ".." */
		must(r);
	return r == 0;
}

static void add_file(struct generator *generator, struct inode *dir)
{
	struct inode *inode = some_file(generator);

	while (!link_somewhere(generator, dir, inode))
		;
	if (generator->target_count < TARGETS_MAX)
		generator->targets[generator->target_count++] = inode;
}

static struct inode *add_dir(struct generator *generator, struct inode *dir)
{
	struct inode *inode = some_inode(generator, S_IFDIR);

	while (!link_somewhere(generator, dir, inode))
		;
	if (generator->dir_count < DIRS_MAX)
		generator->dirs[generator->dir_count++] = inode;
	return inode;
}

static struct inode *any_dir(struct generator *generator)
{
	return generator->dirs[random_below(generator->random, (uint32_t)generator->dir_count)];
}

static void fill(struct generator *generator)
{
	struct random *random = generator->random;
	uint32_t count = random_below(random, 300);
	struct inode *dir;

	for (uint32_t i = 0; i < count; i++) {
		if (random_chance(random, 25))
			(void)add_dir(generator, any_dir(generator));
		else
			add_file(generator, any_dir(generator));
	}
	dir = any_dir(generator);
	for (uint32_t i = random_below(random, WIDE); i; i--)
		add_file(generator, dir);
	dir = any_dir(generator);
	for (uint32_t i = 0; i < DEEP; i++)
		dir = add_dir(generator, dir);
	for (uint32_t i = random_below(random, 30); i && generator->target_count; i--) {
		uint32_t target = random_below(random, (uint32_t)generator->target_count);

		(void)link_somewhere(generator, any_dir(generator), generator->targets[target]);
	}
}

struct tree *random_tree(struct random *random)
{
	struct generator generator = {.random = random, .tree = tree_new()};

	must(generator.tree ? 0 : -ENOMEM);
	generator.dirs[generator.dir_count++] = some_inode(&generator, S_IFDIR);
	must(tree_root_set(generator.tree, generator.dirs[0], NULL));
	fill(&generator);
	tree_sort(generator.tree);
	return generator.tree;
}
