/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "repo.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static char folder[REPO_PATH_SIZE];
static struct store *store;

static int setup(void **state)
{
	(void)state;
	folder_make(NULL, folder);
	store = repo_open(below(folder, "repo"));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	folder_remove(folder);
	return 0;
}

static int add_file(struct transaction *transaction, int fd, uint64_t size, struct digest *ret,
		    struct diag *why)
{
	struct verity_hasher *hasher = hasher_of(store_config(store).algorithm);
	int r = object_add_file(transaction, hasher, fd, size, ret, why);

	verity_hasher_free(hasher);
	return r;
}

static void assert_content(const struct digest *name, struct span expected)
{
	struct diag why = {0};
	struct buf content = {0};
	uint64_t size;
	int fd = object_open(store, name, &why);

	assert_ok(fd, &why);
	assert_int_equal(0, fd_read_all(fd, 1 << 30, &content));
	assert_true(span_equal(expected, buf_span(&content)));
	buf_release(&content);
	(void)close(fd);
	assert_ok(object_size(store, name, &size, &why), &why);
	assert_int_equal(expected.size, size);
}

/* Around each way that a file takes: in memory, in chunks, by the kernel. */
static void files_of_every_size_become_objects(void **state)
{
	static const size_t sizes[] = {
		0, 1, 65, 4096, 65536, 1 << 20, (1 << 20) + 1, 5000000, (64 << 20) + 7,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct transaction *transaction = begin(store);
		uint8_t *bytes = bytes_of(sizes[i], 1);
		struct span span = span_of(bytes, sizes[i]);
		struct digest expected = digest_of_bytes(span), digest;
		struct object_stats stats;
		struct diag why = {0};
		int fd;

		file_write(below(folder, "source"), span);
		fd = open(below(folder, "source"), O_RDONLY | O_CLOEXEC);
		assert_false(object_exists(store, &expected));
		assert_ok(add_file(transaction, fd, sizes[i], &digest, &why), &why);
		assert_true(digest_equal(&expected, &digest));
		assert_ok(add_file(transaction, fd, sizes[i], &digest, &why), &why);
		assert_true(digest_equal(&expected, &digest));
		stats = transaction_stats(transaction);
		assert_int_equal(1, stats.added_count);
		assert_int_equal(sizes[i], stats.added_bytes);
		assert_int_equal(1, stats.present_count);
		assert_ok(transaction_commit(transaction, &why), &why);
		assert_true(object_exists(store, &expected));
		assert_content(&expected, span);
		(void)close(fd);
		free(bytes);
	}
	assert_int_equal(sizeof(sizes) / sizeof(sizes[0]), assert_objects_whole(store));
}

static void a_file_of_another_size_is_stale(void **state)
{
	static const size_t sizes[] = {1000, 70000, 3 << 20, (64 << 20) + 7};
	struct transaction *transaction = begin(store);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd =
			open(below(folder, "source"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct diag why = {0};
		struct digest digest;

		assert_int_equal(0, ftruncate(fd, (off_t)sizes[i]));
		assert_int_equal(-ESTALE, add_file(transaction, fd, sizes[i] + 1, &digest, &why));
		assert_non_null(strstr(why.text, "changed"));
		assert_int_equal(-ESTALE, add_file(transaction, fd, sizes[i] - 1, &digest, &why));
		(void)close(fd);
	}
	assert_int_equal(0, transaction_stats(transaction).added_count);
	transaction_abort(transaction);
	assert_int_equal(0, assert_objects_whole(store));
}

static void slices_make_the_same_object(void **state)
{
	static const size_t sizes[] = {0, 100, 1 << 20, (1 << 20) + 1, 4000000};
	struct transaction *transaction = begin(store);
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *bytes = bytes_of(sizes[i], 2);
		struct span all = span_of(bytes, sizes[i]);
		struct object_writer *writer = NULL;
		struct digest digest, expected = digest_of_bytes(all);

		assert_ok(object_writer_new(transaction, &writer, &why), &why);
		for (size_t at = 0, slice = 1; at < sizes[i]; at += slice, slice = slice * 7 + 1) {
			if (slice > sizes[i] - at)
				slice = sizes[i] - at;
			assert_ok(object_writer_write(writer, span_of(bytes + at, slice), &why),
				  &why);
		}
		assert_ok(object_writer_finish(writer, &digest, &why), &why);
		assert_true(digest_equal(&expected, &digest));
		assert_content(&digest, all);
		free(bytes);
	}
	assert_ok(transaction_commit(transaction, &why), &why);
}

/* Zeros, a byte, zeros, a byte, zeros. */
static void assert_zeros(struct transaction *transaction, size_t front, size_t middle,
			 size_t behind)
{
	const size_t sizes[] = {front, middle, behind};
	size_t size = front + 1 + middle + 1 + behind;
	uint8_t *bytes = calloc(1, size);
	struct object_writer *writer = NULL;
	struct digest digest, expected;
	struct diag why = {0};
	struct stat st;
	int fd;

	assert_non_null(bytes);
	bytes[front] = bytes[front + 1 + middle] = 'x';
	expected = digest_of_bytes(span_of(bytes, size));
	assert_ok(object_writer_new(transaction, &writer, &why), &why);
	for (size_t i = 0; i < 3; i++) {
		assert_ok(object_writer_zeros(writer, sizes[i], &why), &why);
		if (i < 2)
			assert_ok(object_writer_write(writer, SPAN_LITERAL("x"), &why), &why);
	}
	assert_ok(object_writer_finish(writer, &digest, &why), &why);
	assert_true(digest_equal(&expected, &digest));
	assert_content(&digest, span_of(bytes, size));
	fd = object_open(store, &digest, &why);
	assert_int_equal(0, fstat(fd, &st));
	(void)close(fd);
	assert_int_equal(size, st.st_size);
	free(bytes);
	if (size > 8000000)
		assert_true(st.st_blocks * 512 < 2000000);
}

static void zeros_take_no_place(void **state)
{
	struct transaction *transaction = begin(store);
	struct diag why = {0};

	(void)state;
	assert_zeros(transaction, 0, 0, 0);
	assert_zeros(transaction, 10, 4096, 100);
	assert_zeros(transaction, 1 << 20, 1 << 20, 1 << 20);
	assert_zeros(transaction, 0, 0, 3000000);
	assert_zeros(transaction, 9000000, 100, 0);
	assert_zeros(transaction, 0, 9000000, 0);
	assert_zeros(transaction, 5, 70000, 9000000);
	assert_ok(transaction_commit(transaction, &why), &why);
	assert_int_equal(7, assert_objects_whole(store));
}

static void an_aborted_writer_leaves_nothing(void **state)
{
	struct transaction *transaction = begin(store);
	uint8_t *bytes = bytes_of(3000000, 3);
	struct object_writer *writer = NULL;
	struct diag why = {0};
	struct digest digest;

	(void)state;
	assert_ok(object_writer_new(transaction, &writer, &why), &why);
	assert_ok(object_writer_write(writer, span_of(bytes, 3000000), &why), &why);
	object_writer_abort(writer);
	assert_int_equal(0, assert_objects_whole(store));
	/* The next one does not see the bytes of the aborted one. */
	digest = add_text(transaction, "next");
	assert_content(&digest, SPAN_LITERAL("next"));
	transaction_abort(transaction);
	assert_content(&digest, SPAN_LITERAL("next"));
	free(bytes);
}

/* What a power loss may leave of an object that no transaction committed. */
static void a_short_object_is_replaced(void **state)
{
	struct digest digest = digest_of_bytes(SPAN_LITERAL("whole content"));
	char place[DIGEST_PATH_SIZE_MAX], path[2 * REPO_PATH_SIZE];
	struct transaction *transaction;
	struct diag why = {0};

	(void)state;
	digest_path(&digest, place);
	(void)snprintf(path, sizeof(path), "%s/repo/objects/%.2s", folder, place);
	assert_int_equal(0, mkdir(path, 0755));
	(void)snprintf(path, sizeof(path), "%s/repo/objects/%s", folder, place);
	for (int i = 0; i < 3; i++) {
		if (i == 0)
			file_write(path, SPAN_EMPTY);
		if (i == 1)
			file_write(path, SPAN_LITERAL("whole"));
		if (i == 2)
			assert_int_equal(0, symlink("/etc/passwd", path));
		transaction = begin(store);
		(void)add_text(transaction, "whole content");
		assert_int_equal(1, transaction_stats(transaction).added_count);
		assert_ok(transaction_commit(transaction, &why), &why);
		assert_content(&digest, SPAN_LITERAL("whole content"));
		assert_int_equal(0, unlink(path));
	}
	assert_nothing_temporary(below(folder, "repo/objects"));
}

static void absent_objects_are_not_found(void **state)
{
	struct digest digest = digest_of_bytes(SPAN_LITERAL("absent")), none = {0};
	struct diag why = {0};
	uint64_t size;

	(void)state;
	assert_int_equal(-ENOENT, object_open(store, &digest, &why));
	assert_int_equal(-ENOENT, object_size(store, &digest, &size, &why));
	assert_false(object_exists(store, &digest));
	assert_false(object_exists(store, &none));
}

static void what_cannot_be_looked_at_may_be_there(void **state)
{
	struct digest digest = digest_of_bytes(SPAN_LITERAL("absent"));
	char path[DIGEST_PATH_SIZE_MAX + 16], place[DIGEST_PATH_SIZE_MAX];
	struct diag why = {0};

	(void)state;
	(void)snprintf(path, sizeof(path), "repo/objects/%s", digest_path(&digest, place));
	*strrchr(path, '/') = 0;
	assert_int_equal(-ENOENT, object_find(store, &digest, &why));
	(void)rmdir(below(folder, path));
	assert_int_equal(0, symlink(strrchr(path, '/') + 1, below(folder, path)));
	assert_int_equal(-ELOOP, object_find(store, &digest, &why));
	assert_false(object_exists(store, &digest));
	assert_int_equal(0, unlink(below(folder, path)));
	file_write(below(folder, path), SPAN_LITERAL("no folder"));
	assert_int_equal(-ENOENT, object_find(store, &digest, &why));
}

static void strange_names_are_no_objects(void **state)
{
	struct transaction *transaction = begin(store);
	struct diag why = {0};

	(void)state;
	(void)add_text(transaction, "one");
	assert_ok(transaction_commit(transaction, &why), &why);
	file_write(below(folder, "repo/objects/.tmp-object-abcdefghijkl"), SPAN_LITERAL("x"));
	assert_int_equal(0, mkdir(below(folder, "repo/objects/zz"), 0755));
	(void)mkdir(below(folder, "repo/objects/00"), 0755);
	file_write(below(folder, "repo/objects/00/readme"), SPAN_LITERAL("x"));
	assert_int_equal(1, assert_objects_whole(store));
}

#define THREAD_COUNT 8
#define SHARED_COUNT 40

struct writers {
	struct transaction *transaction;
	pthread_barrier_t start;
	int errors; /* guarded by the joins: each thread returns its own */
};

static void *write_shared(void *argument)
{
	struct writers *writers = argument;
	struct diag why = {0};
	struct digest digest;
	int r = 0;

	(void)pthread_barrier_wait(&writers->start);
	for (unsigned int i = 0; i < SHARED_COUNT && r == 0; i++) {
		size_t size = i % 8 == 0 ? 1200000 : 100 * i;
		uint8_t *bytes = bytes_of(size, i);

		r = add_bytes(writers->transaction, span_of(bytes, size), &digest, &why);
		free(bytes);
	}
	return (void *)(intptr_t)r;
}

static void many_threads_write_the_same_objects(void **state)
{
	struct writers writers = {.transaction = begin(store)};
	pthread_t threads[THREAD_COUNT];
	struct object_stats stats;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, pthread_barrier_init(&writers.start, NULL, THREAD_COUNT));
	for (size_t i = 0; i < THREAD_COUNT; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, write_shared, &writers));
	for (size_t i = 0; i < THREAD_COUNT; i++) {
		void *result;

		assert_int_equal(0, pthread_join(threads[i], &result));
		assert_ptr_equal(NULL, result);
	}
	(void)pthread_barrier_destroy(&writers.start);
	stats = transaction_stats(writers.transaction);
	assert_int_equal(SHARED_COUNT, stats.added_count);
	assert_int_equal((THREAD_COUNT - 1) * SHARED_COUNT, stats.present_count);
	assert_ok(transaction_commit(writers.transaction, &why), &why);
	assert_int_equal(SHARED_COUNT, assert_objects_whole(store));
}

/* In a child: the same objects again, in a store of its own. */
static int write_in_child(const char *path)
{
	struct writers writers = {0};
	struct store *own = NULL;

	if (store_open(path, &own, NULL) < 0 ||
	    transaction_begin(own, &writers.transaction, NULL) < 0)
		return 1;
	(void)pthread_barrier_init(&writers.start, NULL, 1);
	if (write_shared(&writers) || transaction_commit(writers.transaction, NULL) < 0)
		return 1;
	store_close(own);
	return 0;
}

static void assert_child_succeeds(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(0, WEXITSTATUS(status));
}

static void processes_write_the_same_objects(void **state)
{
	const char *path = below(folder, "repo");
	pid_t children[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0)
			_exit(write_in_child(path));
	}
	for (size_t i = 0; i < 3; i++)
		assert_child_succeeds(children[i]);
	assert_int_equal(SHARED_COUNT, assert_objects_whole(store));
}

/* Make openat(O_TMPFILE) fail as on a file system without it. Not undone: for a child. */
static bool forbid_unnamed_files(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int work_with_named_files(const char *path, const char *fresh)
{
	struct store_config config = config_of(DIGEST_SHA512);

	if (!forbid_unnamed_files())
		return 77;
	if (openat(AT_FDCWD, path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) >= 0)
		return 2;
	if (store_init(fresh, &config, NULL) < 0)
		return 3;
	return write_in_child(path);
}

static void works_without_unnamed_files(void **state)
{
	const char *path = below(folder, "repo"), *fresh = below(folder, "fresh");
	struct store *opened = NULL;
	struct diag why = {0};
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0)
		_exit(work_with_named_files(path, fresh));
	assert_child_succeeds(child);
	assert_int_equal(SHARED_COUNT, assert_objects_whole(store));
	assert_nothing_temporary(below(folder, "repo/objects"));
	assert_nothing_temporary(fresh);
	assert_ok(store_open(fresh, &opened, &why), &why);
	assert_int_equal(DIGEST_SHA512, store_config(opened).algorithm);
	store_close(opened);
}

/* Fill a file system of size_kib with objects until it is full, then see whether all is well. */
static int fill(const char *mount_point, unsigned int size_kib)
{
	struct store_config config = config_of(DIGEST_SHA256);
	struct transaction *transaction = NULL;
	struct store *small = NULL;
	struct diag why = {0};
	char options[64];
	size_t count = 0;
	int r = 0;

	(void)snprintf(options, sizeof(options), "size=%uk", size_kib);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", mount_point, "tmpfs", 0, options) < 0)
		return 77;
	if (store_init(below(mount_point, "repo"), &config, &why) < 0 ||
	    store_open(below(mount_point, "repo"), &small, &why) < 0)
		return r == -ENOSPC ? 0 : 1;
	r = transaction_begin(small, &transaction, &why);
	for (unsigned int i = 0; r == 0 && i < 1000; i++, count++) {
		size_t size = i % 3 == 0 ? 3000 * i : 500;
		uint8_t *bytes = bytes_of(size, i);
		struct digest digest;

		r = add_bytes(transaction, span_of(bytes, size), &digest, &why);
		free(bytes);
	}
	if (r != -ENOSPC || !why.text[0])
		return 2;
	if (transaction_commit(transaction, &why) < 0)
		return 3;
	store_close(small);
	small = NULL;
	if (store_open(below(mount_point, "repo"), &small, &why) < 0)
		return 4;
	if (assert_objects_whole(small) != count - 1)
		return 5;
	store_close(small);
	return 0;
}

static void a_full_disk_leaves_whole_objects(void **state)
{
	static const unsigned int sizes[] = {64, 100, 300, 2000, 5000};
	const char *mount_point = below(folder, "small");

	(void)state;
	need("root", geteuid() == 0, "mounting a small tmpfs needs root");
	assert_int_equal(0, mkdir(mount_point, 0755));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(fill(mount_point, sizes[i]));
		assert_child_succeeds(child);
	}
}

static int add_beyond_limit(const char *path)
{
	struct rlimit limit = {100000, 100000};
	uint8_t *bytes = bytes_of(3000000, 9);
	struct transaction *transaction = NULL;
	struct digest digest;
	struct store *own = NULL;
	struct diag why = {0};

	(void)signal(SIGXFSZ, SIG_IGN);
	if (store_open(path, &own, &why) < 0 || transaction_begin(own, &transaction, &why) < 0 ||
	    setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	if (add_bytes(transaction, span_of(bytes, 200000), &digest, &why) != -EFBIG ||
	    add_bytes(transaction, span_of(bytes, 3000000), &digest, &why) != -EFBIG ||
	    add_bytes(transaction, span_of(bytes, 50000), &digest, &why) != 0)
		return 2;
	free(bytes);
	return transaction_commit(transaction, &why) < 0;
}

static void a_write_that_is_cut_short_links_nothing(void **state)
{
	const char *path = below(folder, "repo");
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(add_beyond_limit(path));
	assert_child_succeeds(child);
	assert_int_equal(1, assert_objects_whole(store));
}

static bool run(const char *format, const char *a, const char *b)
{
	char command[1024];

	(void)snprintf(command, sizeof(command), format, a, b);
	return system(command) == 0;
}

/* In a mount namespace of its own: a loop device with mkfs on it. */
static int reflink_on(const char *mkfs, const char *image, const char *mount_point)
{
	uint8_t *bytes = bytes_of(300000, 4);
	struct span span = span_of(bytes, 300000);
	struct transaction *transaction;
	struct object_stats stats;
	struct diag why = {0};
	struct digest digest;
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	if (!run("truncate -s 400M %s && chmod 600 %s", image, image) ||
	    !run("%s %s >/dev/null 2>&1", mkfs, image) ||
	    !run("mount -o loop %s %s 2>/dev/null", image, mount_point))
		return 77;
	store = repo_open(below(mount_point, "repo"));
	file_write(below(mount_point, "source"), span);
	fd = open(below(mount_point, "source"), O_RDONLY | O_CLOEXEC);
	transaction = begin(store);
	assert_ok(add_file(transaction, fd, 300000, &digest, &why), &why);
	stats = transaction_stats(transaction);
	assert_ok(transaction_commit(transaction, &why), &why);
	(void)close(fd);
	file_write(below(mount_point, "source"), SPAN_LITERAL("changed"));
	assert_content(&digest, span);
	free(bytes);
	store_close(store);
	(void)umount(mount_point);
	return stats.added_count == 1 && stats.reflinked_count == 1 ? 0 : 1;
}

static void reflinks_where_the_file_system_can(void **state)
{
	static const char *const mkfs[] = {"mkfs.xfs -q -m reflink=1", "mkfs.btrfs -q"};
	const char *image = below(folder, "image"), *mount_point = below(folder, "mnt");

	(void)state;
	need("root", geteuid() == 0, "loop devices need root");
	assert_int_equal(0, mkdir(mount_point, 0755));
	for (size_t i = 0; i < 2; i++) {
		pid_t child = fork();
		int status;

		if (child == 0)
			_exit(reflink_on(mkfs[i], image, mount_point));
		assert_int_equal(child, waitpid(child, &status, 0));
		(void)unlink(image);
		need("reflink", !WIFEXITED(status) || WEXITSTATUS(status) != 77, mkfs[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(0, WEXITSTATUS(status));
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(files_of_every_size_become_objects),
		CASE(a_file_of_another_size_is_stale),
		CASE(slices_make_the_same_object),
		CASE(zeros_take_no_place),
		CASE(an_aborted_writer_leaves_nothing),
		CASE(a_short_object_is_replaced),
		CASE(absent_objects_are_not_found),
		CASE(what_cannot_be_looked_at_may_be_there),
		CASE(strange_names_are_no_objects),
		CASE(many_threads_write_the_same_objects),
		CASE(processes_write_the_same_objects),
		CASE(works_without_unnamed_files),
		CASE(a_full_disk_leaves_whole_objects),
		CASE(a_write_that_is_cut_short_links_nothing),
		CASE(reflinks_where_the_file_system_can),
	};

	return cmocka_run_group_tests_name("store/objects", tests, NULL, NULL);
}
