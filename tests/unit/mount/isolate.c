/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "isolate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "mount/context.h"
#include "mount/path.h"
#include "mount/userns.h"

enum {
	EXIT_FAILED = 1,
	EXIT_SKIPPED = 77,
	EXIT_SANITIZER = 99,
};

char isolate_dir[4096];

/* Where a child says why it skips; shared by parent and child. */
struct skip_note {
	char what[32];
	char reason[256];
};

static int skip_fd = -1;

void expect_failed(const char *file, int line, const char *what, const char *text)
{
	(void)fprintf(stderr, "%s:%d: expected: %s", file, line, what);
	if (text)
		(void)fprintf(stderr, ", got: %s", text);
	(void)fprintf(stderr, " (errno %d)\n", errno);
	_exit(EXIT_FAILED);
}

void isolate_skip(const char *what, const char *reason)
{
	struct skip_note note = {0};

	(void)snprintf(note.what, sizeof(note.what), "%s", what);
	(void)snprintf(note.reason, sizeof(note.reason), "%s", reason);
	(void)fd_write(skip_fd, &note, sizeof(note));
	_exit(EXIT_SKIPPED);
}

void need_userns(void)
{
	int status;
	pid_t pid = fork();

	expect(pid >= 0);
	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER) < 0);
	expect(waitpid(pid, &status, 0) == pid);
	if (status != 0)
		isolate_skip("userns", "no user namespaces here, or several threads run");
}

size_t directory_count(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	expect(dir);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count - 2;
}

static size_t mounts_count(void)
{
	struct buf text = {0};
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t count = 0;

	expect(fd >= 0 && fd_read_all(fd, 1 << 20, &text) == 0);
	for (size_t i = 0; i < text.size; i++)
		count += text.data[i] == '\n';
	buf_release(&text);
	fd_close(fd);
	return count;
}

/* A device node of mode 0666 over /dev/fuse, as distributions have it, for this mount namespace. */
static void open_fuse(void)
{
	char node[sizeof(isolate_dir) + 16];
	mode_t mask = umask(0);
	int fd;

	(void)snprintf(node, sizeof(node), "%s/fuse", isolate_dir);
	if (mknod(node, S_IFCHR | 0666, makedev(10, 229)) < 0 ||
	    mount(node, "/dev/fuse", NULL, MS_BIND, NULL) < 0)
		isolate_skip("fuse", "cannot put a node of mode 0666 over /dev/fuse");
	(void)umask(mask);
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		isolate_skip("fuse", "device nodes do not work on the build's file system");
	fd_close(fd);
}

/* Bodies see their directory as /mnt/test, wherever the build is and whoever may enter that. */
static void namespace_make(void)
{
	struct fd_path source;
	int fd;

	if (unshare(CLONE_NEWNS) < 0)
		isolate_skip("root", "cannot make a mount namespace");
	fd = open(isolate_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	expect(fd >= 0);
	source = fd_path(fd);
	expect(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	expect(mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777") == 0);
	expect(mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") == 0);
	expect(mount("tmpfs", "/mnt", "tmpfs", 0, "mode=0755") == 0);
	expect(mkdir("/mnt/test", 0755) == 0);
	expect(mount(source.text, "/mnt/test", NULL, MS_BIND, NULL) == 0);
	(void)snprintf(isolate_dir, sizeof(isolate_dir), "/mnt/test");
	fd_close(fd);
}

static void identity_take(enum identity identity)
{
	struct diag why = {0};

	if (identity == AS_ROOT)
		return;
	open_fuse();
	expect(setgroups(0, NULL) == 0);
	expect(setresgid(TEST_UID, TEST_UID, TEST_UID) == 0);
	expect(setresuid(TEST_UID, TEST_UID, TEST_UID) == 0);
	/* Or /proc/self belongs to root, as that of a set-uid program would. */
	expect(prctl(PR_SET_DUMPABLE, 1) == 0);
	if (identity == AS_USER_IN_USERNS && userns_enter(&why) < 0)
		isolate_skip("userns", why.text);
}

static _Noreturn void child_run(enum identity identity, void (*body)(void))
{
	size_t fds, mounts;

	namespace_make();
	identity_take(identity);
	fds = directory_count("/proc/self/fd");
	mounts = mounts_count();
	body();
	expect(directory_count("/proc/self/fd") == fds);
	/* Fewer, where somebody outside removed a directory that a copied mount was on. */
	expect(mounts_count() <= mounts);
	expect(directory_count("/tmp") == 0);
	expect(directory_count("/run") == 0);
	(void)fflush(NULL);
	exit(0); /* not _exit(): the leak checker looks here */
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void isolated(enum identity identity, void (*body)(void))
{
	const char *root = getenv("LAMINA_BUILD_ROOT");
	struct skip_note note = {0};
	int ends[2], status;
	pid_t pid;

	need("root", geteuid() == 0 && userns_is_initial(), "not root of the machine");
	(void)snprintf(isolate_dir, sizeof(isolate_dir), "%s/mount-test-XXXXXX", root ? root : ".");
	assert_non_null(mkdtemp(isolate_dir));
	assert_int_equal(0, chmod(isolate_dir, 0777));
	assert_int_equal(0, pipe2(ends, O_CLOEXEC));
	(void)fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(STDERR_FILENO, STDOUT_FILENO); /* TAP is the parent's */
		fd_close(ends[0]);
		skip_fd = ends[1];
		child_run(identity, body);
	}
	fd_close(ends[1]);
	(void)fd_read(ends[0], &note, sizeof(note));
	fd_close(ends[0]);
	assert_int_equal(pid, waitpid(pid, &status, 0));
	(void)nftw(isolate_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	assert_true(access(isolate_dir, F_OK) < 0);
	assert_true(WIFEXITED(status));
	need(note.what, WEXITSTATUS(status) != EXIT_SKIPPED, note.reason);
	assert_int_equal(0, WEXITSTATUS(status));
}

bool uring_is_enabled(void)
{
	char answer = 'N';
	int fd = open("/sys/module/fuse/parameters/enable_uring", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)fd_read(fd, &answer, 1);
	fd_close(fd);
	return answer == 'Y';
}

bool loop_in_use(const char *part)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	bool found = false;

	expect(dir);
	while (!found && (entry = readdir(dir))) {
		char path[512], text[4096];
		ssize_t size = -1;
		int fd;

		(void)snprintf(path, sizeof(path), "/sys/block/%s/loop/backing_file",
			       entry->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			size = fd_read(fd, text, sizeof(text) - 1);
		text[size > 0 ? size : 0] = '\0';
		found = strstr(text, part) != NULL;
		fd_close(fd);
	}
	(void)closedir(dir);
	return found;
}

int tmpfs_make(void)
{
	struct mount_context context;
	struct diag why = {0};
	int fd;

	expect_ok(context_open(&context, "tmpfs", &why), &why);
	expect_ok(context_create(&context, &why), &why);
	fd = expect_ok(context_mount(&context, 0, &why), &why);
	context_close(&context);
	return fd;
}

void file_make(int directory, const char *name, const char *text)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	expect(fd >= 0);
	expect(fd_write(fd, text, strlen(text)) == 0);
	fd_close(fd);
}

void file_expect(int directory, const char *name, const char *text)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	char got[256];
	ssize_t size;

	expect(fd >= 0);
	size = fd_read(fd, got, sizeof(got) - 1);
	expect(size >= 0);
	got[size] = '\0';
	if (strcmp(got, text) != 0)
		expect_failed(name, 0, text, got);
	fd_close(fd);
}
