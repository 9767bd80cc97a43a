/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * overlay-storm DIR SEED COUNT IDS: random operations in a directory, each with what came of it
 * overlay-storm DIR: what is there now
 *
 * The same seed gives the same operations wherever results are the same, so two file systems can be
 * compared with diff. IDS, "0,33,1000", are what owners are taken from, and, but for the first,
 * whom operations are tried as; the first does most of them.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MAX 3
#define IDS_MAX 8

static uint64_t state;
static uint32_t ids[IDS_MAX];
static unsigned int id_count;

static unsigned int random_below(unsigned int limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)((state >> 11) % limit);
}

static uint32_t random_id(void)
{
	return ids[random_below(id_count)];
}

struct path {
	char text[32];
};

enum wanted { ANY, A_FILE, A_DIRECTORY };

/*
 * Few names, and most d are directories, most f are not: half of all operations should find what
 * they need, and some what they do not expect.
 */
static struct path random_path(enum wanted wanted)
{
	unsigned int depth = 1 + random_below(DEPTH_MAX);
	struct path path = {""};
	size_t used = 0;

	for (unsigned int i = 0; i < depth; i++) {
		bool is_directory = i + 1 < depth || wanted == A_DIRECTORY;

		if ((i > 0 && random_below(32) == 0) || (i + 1 == depth && wanted == ANY))
			is_directory = random_below(2);
		used += (size_t)snprintf(path.text + used, sizeof(path.text) - used, "%s%c%u",
					 i ? "/" : "", is_directory ? 'd' : 'f',
					 random_below(is_directory ? 2 : 4));
	}
	return path;
}

static mode_t random_mode(void)
{
	static const mode_t modes[] = {0644, 0600, 0666, 0755, 0777, 04755, 02775, 01777, 0};

	return modes[random_below(sizeof(modes) / sizeof(modes[0]))];
}

/* include/uapi/linux/posix_acl_xattr.h */
struct acl_entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id;
};

struct acl {
	uint32_t version;
	struct acl_entry entries[6];
};

static struct acl random_acl(void)
{
	const uint16_t rw = 6, r = 4;

	return (struct acl){
		.version = 2,
		.entries = {{0x01, 7, (uint32_t)-1},
			    {0x02, (uint16_t)random_below(8), random_id()},
			    {0x04, r, (uint32_t)-1},
			    {0x08, rw, random_id()},
			    {0x10, 7, (uint32_t)-1},
			    {0x20, (uint16_t)random_below(8), (uint32_t)-1}},
	};
}

static uint64_t content_hash(int fd)
{
	uint64_t hash = 14695981039346656037ULL;
	unsigned char bytes[4096];
	ssize_t size;

	while ((size = read(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < size; i++)
			hash = (hash ^ bytes[i]) * 1099511628211ULL;
	}
	return size < 0 ? (uint64_t)errno : hash;
}

static void say(const char *what, const char *path, long result)
{
	(void)printf("%s %s: %s\n", what, path, result < 0 ? strerrorname_np(errno) : "done");
}

static void do_open(const char *what, const char *path, int flags, mode_t mode)
{
	int fd = open(path, flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, mode);

	say(what, path, fd);
	if (fd < 0)
		return;
	if ((flags & O_ACCMODE) != O_RDONLY)
		(void)printf("  wrote %zd\n", write(fd, path, strlen(path)));
	else
		(void)printf("  read %016" PRIx64 "\n", content_hash(fd));
	(void)close(fd);
}

static void do_rename(const char *path)
{
	static const unsigned int flags[] = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	struct path target = random_path(path[strlen(path) - 2] == 'd' ? A_DIRECTORY : A_FILE);
	unsigned int flag = flags[random_below(4)];
	char what[64];

	(void)snprintf(what, sizeof(what), "rename(%u) %s to", flag, path);
	say(what, target.text, renameat2(AT_FDCWD, path, AT_FDCWD, target.text, flag));
}

static void do_acl(const char *path)
{
	static const char *const keys[] = {"system.posix_acl_access", "system.posix_acl_default"};
	const char *key = keys[random_below(2)];
	struct acl acl = random_acl();

	if (random_below(4) == 0)
		say("acl, removed", path, lremovexattr(path, key));
	else
		say(key + 7, path, lsetxattr(path, key, &acl, sizeof(acl), 0));
}

static void do_stat(const char *path)
{
	struct stat st;
	int r = lstat(path, &st);

	say("stat", path, r);
	if (r == 0)
		(void)printf("  %o %u:%u\n", st.st_mode, st.st_uid, st.st_gid);
}

static void operation(void)
{
	struct path path = random_path(ANY), other = random_path(A_FILE);
	struct path file = random_path(A_FILE), directory = random_path(A_DIRECTORY);
	uint32_t owner = random_id(), group = random_id();
	mode_t mode = random_mode();
	char value[8];

	switch (random_below(22)) {
	case 0:
	case 1:
	case 20:
	case 21:
		do_open("create", file.text, O_WRONLY | O_CREAT | O_EXCL, mode);
		break;
	case 2:
		do_open("append", file.text, O_WRONLY | O_APPEND, 0);
		break;
	case 3:
		do_open("truncate", file.text, O_RDWR | O_TRUNC, 0);
		break;
	case 4:
		do_open("read", file.text, O_RDONLY, 0);
		break;
	case 5:
	case 6:
		say("chmod", path.text, chmod(path.text, mode));
		break;
	case 7:
	case 8:
		say("chown", path.text, lchown(path.text, owner, group));
		break;
	case 9:
	case 10:
		do_rename(path.text);
		break;
	case 11:
		say("unlink", file.text, unlink(file.text));
		break;
	case 12:
	case 13:
		say("mkdir", directory.text, mkdir(directory.text, mode | 0700));
		break;
	case 14:
		say("rmdir", directory.text, rmdir(directory.text));
		break;
	case 15:
		say("symlink", file.text, symlink(other.text, file.text));
		break;
	case 16:
		say("link", file.text, link(other.text, file.text));
		break;
	case 17:
		do_acl(path.text);
		break;
	case 18:
		(void)snprintf(value, sizeof(value), "%u", mode);
		say("xattr", path.text, lsetxattr(path.text, "user.x", value, strlen(value), 0));
		break;
	default:
		do_stat(path.text);
		break;
	}
}

static void storm(unsigned long seed, unsigned long count)
{
	state = seed * 2654435769UL + 1;
	(void)umask(0);
	for (unsigned long i = 0; i < count; i++) {
		uint32_t id = random_below(4) ? ids[0] : random_id();

		(void)setfsgid(id);
		(void)setfsuid(id);
		(void)printf("%lu as %u: ", i, id);
		operation();
		(void)setfsuid(ids[0]);
		(void)setfsgid(ids[0]);
	}
}

static void show_xattr(const char *path, const char *key)
{
	unsigned char value[256];
	ssize_t size = lgetxattr(path, key, value, sizeof(value));

	if (size < 0 && (errno == ENODATA || errno == EOPNOTSUPP || errno == EPERM))
		return;
	(void)printf(" %s=", key);
	if (size < 0)
		(void)printf("%s", strerrorname_np(errno));
	for (ssize_t i = 0; i < size; i++)
		(void)printf("%02x", value[i]);
}

static void show_entry(const char *path)
{
	struct stat st;
	char target[64] = "";
	int fd;

	if (lstat(path, &st) < 0) {
		(void)printf("%s %s\n", path, strerrorname_np(errno));
		return;
	}
	(void)printf("%s %o %u:%u", path, st.st_mode, st.st_uid, st.st_gid);
	if (!S_ISDIR(st.st_mode))
		(void)printf(" links %lu", (unsigned long)st.st_nlink);
	if (S_ISREG(st.st_mode)) {
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		(void)printf(" %lld %016" PRIx64, (long long)st.st_size,
			     fd < 0 ? (uint64_t)errno : content_hash(fd));
		if (fd >= 0)
			(void)close(fd);
	}
	if (S_ISLNK(st.st_mode) && readlink(path, target, sizeof(target) - 1) > 0)
		(void)printf(" -> %s", target);
	show_xattr(path, "user.x");
	show_xattr(path, "system.posix_acl_access");
	show_xattr(path, "system.posix_acl_default");
	(void)putchar('\n');
}

static int is_name(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void show_tree(const char *directory, int depth)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_name, alphasort);
	struct stat st;

	if (count < 0)
		(void)printf("%s: %s\n", directory, strerrorname_np(errno));
	for (int i = 0; i < count; i++) {
		char path[512];

		(void)snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		show_entry(path);
		if (depth < 2 * DEPTH_MAX && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			show_tree(path, depth + 1);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 5)
		errx(2, "usage: overlay-storm DIR [SEED COUNT IDS]");
	if (chdir(argv[1]) < 0)
		err(1, "%s", argv[1]);
	if (argc == 2) {
		show_entry(".");
		show_tree(".", 0);
		return 0;
	}
	for (char *word = argv[4]; *word && id_count < IDS_MAX; word += *word == ',')
		ids[id_count++] = (uint32_t)strtoul(word, &word, 10);
	storm(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	return 0;
}
