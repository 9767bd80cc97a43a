/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"

static void *write_in_pieces(void *argument)
{
	int fd = *(int *)argument;

	for (int i = 0; i < 10; i++)
		(void)fd_write(fd, "0123456789", 10);
	fd_close(fd);
	return NULL;
}

static void reads_whole_though_pieces_come(void **state)
{
	int ends[2];
	pthread_t writer;
	char text[200];

	(void)state;
	assert_int_equal(0, pipe2(ends, O_CLOEXEC));
	assert_int_equal(0, pthread_create(&writer, NULL, write_in_pieces, &ends[1]));
	assert_int_equal(100, fd_read(ends[0], text, sizeof(text)));
	assert_memory_equal("01234567890123456789", text, 20);
	(void)pthread_join(writer, NULL);
	fd_close(ends[0]);
}

static void reads_and_writes_at_offsets(void **state)
{
	CLEAN(fd_closep) int fd = memfd_create("test", MFD_CLOEXEC);
	char text[8] = "";

	(void)state;
	assert_int_equal(0, fd_pwrite(fd, "lamina", 6, 3));
	assert_int_equal(6, fd_pread(fd, text, 8, 3));
	assert_memory_equal("lamina", text, 6);
	assert_int_equal(0, fd_pread(fd, text, 8, 100));
	assert_int_equal(-EBADF, fd_pread(-1, text, 8, 0));
}

static void stops_reading_at_the_limit(void **state)
{
	CLEAN(fd_closep) int fd = memfd_create("test", MFD_CLOEXEC);
	struct buf buf = {0};

	(void)state;
	assert_int_equal(0, ftruncate(fd, 1 << 20));
	assert_int_equal(-E2BIG, fd_read_all(fd, 1000, &buf));
	buf_release(&buf);
	assert_int_equal(0, lseek(fd, 0, SEEK_SET));
	assert_int_equal(0, fd_read_all(fd, 1 << 20, &buf));
	assert_int_equal(1 << 20, buf.size);
	buf_release(&buf);
}

static void takes_and_closes(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC), taken;

	(void)state;
	taken = fd_take(&fd);
	assert_int_equal(-1, fd);
	errno = 7;
	fd_closep(&taken);
	fd_closep(&fd);
	assert_int_equal(-1, taken);
	assert_int_equal(7, errno);
}

/* In a child, of five the third may stay; 0, 1 and 2 always do. */
static void closes_all_but_what_is_kept(void **state)
{
	pid_t pid = fork();
	int status, fds[5];

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < 5; i++)
			fds[i] = memfd_create("test", MFD_CLOEXEC);
		fd_close_all_but(&fds[2], 1);
		for (int i = 0; i < 5; i++) {
			if ((fcntl(fds[i], F_GETFD) >= 0) != (i == 2))
				_exit(1 + i);
		}
		_exit(fcntl(2, F_GETFD) >= 0 ? 0 : 10);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(0, status);
}

static char folder[64] = "/tmp/fd-XXXXXX";

static int at(const char *path, uint64_t resolve)
{
	CLEAN(fd_closep) int dir_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN(fd_closep) int fd = fd_open_regular(dir_fd, path, resolve);
	char text[5] = "";

	if (fd < 0)
		return fd;
	assert_int_equal(4, fd_read(fd, text, 4));
	return text[0]; /* which file it was */
}

static void make(int dir_fd, const char *path, const char *text)
{
	CLEAN(fd_closep)
	int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_int_equal(0, fd_write(fd, text, strlen(text)));
}

/* What somebody else has written as a path opens only what is below, and only regular files. */
static void paths_of_others_stay_below(void **state)
{
	CLEAN(fd_closep) int top_fd = -1;

	(void)state;
	assert_non_null(mkdtemp(folder));
	top_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make(top_fd, "secret", "secret");
	assert_int_equal(0, mkdirat(top_fd, "root", 0700));
	make(top_fd, "root/inner", "inner");
	assert_int_equal(0, symlinkat("/inner", top_fd, "root/link"));
	assert_int_equal(0, symlinkat("../../secret", top_fd, "root/out"));
	assert_int_equal(0, mkfifoat(top_fd, "root/fifo", 0600));
	(void)strcat(folder, "/root");
	assert_int_equal('i', at("inner", RESOLVE_BENEATH));
	assert_int_equal(-EXDEV, at("../secret", RESOLVE_BENEATH));
	assert_int_equal(-EXDEV, at("out", RESOLVE_BENEATH));
	assert_int_equal(-ELOOP, at("link", RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS));
	assert_int_equal('i', at("link", RESOLVE_IN_ROOT)); /* as the root of a process would */
	assert_int_equal('i', at("../../inner", RESOLVE_IN_ROOT));
	assert_int_equal(-ENOENT, at("out", RESOLVE_IN_ROOT));
	assert_int_equal(-EINVAL, at("fifo", RESOLVE_BENEATH)); /* and does not wait for a writer */
	assert_int_equal(-EINVAL, at(".", RESOLVE_BENEATH));
	(void)unlinkat(top_fd, "root/inner", 0);
	(void)unlinkat(top_fd, "root/link", 0);
	(void)unlinkat(top_fd, "root/out", 0);
	(void)unlinkat(top_fd, "root/fifo", 0);
	(void)unlinkat(top_fd, "root", AT_REMOVEDIR);
	(void)unlinkat(top_fd, "secret", 0);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(0, rmdir(folder));
}

/* openat2() fails from now on as where somebody renames without a pause. Not undone: for a child.
 */
static bool rename_for_ever(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void who_renames_for_ever_keeps_nobody(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(10);
		if (!rename_for_ever())
			_exit(77);
		_exit(fd_open_within(AT_FDCWD, ".", O_PATH, 0) == -ESTALE ? 0 : 1);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	need("seccomp", !WIFEXITED(status) || WEXITSTATUS(status) != 77, "there is no seccomp");
	assert_int_equal(0, status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_of_others_stay_below),
		cmocka_unit_test(who_renames_for_ever_keeps_nobody),
		cmocka_unit_test(reads_whole_though_pieces_come),
		cmocka_unit_test(reads_and_writes_at_offsets),
		cmocka_unit_test(stops_reading_at_the_limit),
		cmocka_unit_test(takes_and_closes),
		cmocka_unit_test(closes_all_but_what_is_kept),
	};

	return cmocka_run_group_tests_name("base/fd", tests, NULL, NULL);
}
