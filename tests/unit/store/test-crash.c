/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A writer is killed at each system call in turn, and the power is cut by copying the disk below a
 * mounted file system: what is in its page cache only is not on that disk.
 */
#include "repo.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#define IMAGE_TEXT "the image"
#define LARGE_SIZE ((size_t)1300000)

static char folder[REPO_PATH_SIZE];

static int setup(void **state)
{
	(void)state;
	/* In memory where we may: a repository for each system call. */
	folder_make(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL, folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

/* Open, add small and large objects, publish under a name that moves. Returns 0 or -errno. */
static int import(const char *path, struct diag *why)
{
	struct transaction *transaction = NULL;
	uint8_t *large = bytes_of(LARGE_SIZE, 5);
	struct store *store = NULL;
	struct digest digest;
	int r;

	r = store_open(path, &store, why);
	if (r == 0)
		r = transaction_begin(store, &transaction, why);
	if (r == 0)
		r = add_bytes(transaction, SPAN_LITERAL("one"), &digest, why);
	if (r == 0)
		r = add_bytes(transaction, SPAN_LITERAL("one"), &digest, why);
	if (r == 0)
		r = add_bytes(transaction, span_of(large, LARGE_SIZE), &digest, why);
	if (r == 0)
		r = add_bytes(transaction, SPAN_LITERAL(IMAGE_TEXT), &digest, why);
	if (r == 0)
		r = image_publish(store, transaction, &digest, "a/b", why);
	else
		transaction_abort(transaction);
	store_close(store);
	free(large);
	return r;
}

/* Another image has the name that import() will take. */
static void prepare(const char *path)
{
	struct store *store = repo_open(path);
	struct transaction *transaction = begin(store);
	struct digest image = add_text(transaction, "the old image");
	struct diag why = {0};

	assert_ok(image_publish(store, transaction, &image, "a/b", &why), &why);
	store_close(store);
}

static int make(const char *path, struct diag *why)
{
	struct store_config config = config_of(DIGEST_SHA256);

	return store_init(path, &config, why);
}

/*
 * Run work() up to the stop'th stop at a system call (each stops on entry and on exit), then kill.
 * Returns false when it ended before.
 */
static bool killed_at(int (*work)(const char *path, struct diag *why), const char *path,
		      unsigned int stop)
{
	struct diag why = {0};
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(2);
		(void)raise(SIGSTOP);
		_exit(work(path, &why) == 0 ? 0 : 1);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFSTOPPED(status));
	assert_int_equal(0, ptrace(PTRACE_SETOPTIONS, child, NULL,
				   PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	for (unsigned int i = 0; i < stop; i++) {
		assert_int_equal(0, ptrace(PTRACE_SYSCALL, child, NULL, NULL));
		assert_int_equal(child, waitpid(child, &status, 0));
		if (WIFEXITED(status)) {
			assert_int_equal(0, WEXITSTATUS(status));
			return false;
		}
		assert_true(WIFSTOPPED(status));
		assert_int_equal(SIGTRAP | 0x80, WSTOPSIG(status));
	}
	assert_int_equal(0, kill(child, SIGKILL));
	assert_int_equal(child, waitpid(child, &status, 0));
	return true;
}

static void assert_image_is(const struct store *store, const char *name, const char *text,
			    const char *or_text)
{
	struct buf content = {0};
	struct diag why = {0};
	struct digest digest;
	int fd = image_resolve(store, name, &digest, &why);

	assert_ok(fd, &why);
	assert_int_equal(0, fd_read_all(fd, 1000, &content));
	if (strcmp(buf_string(&content), text) != 0)
		assert_string_equal(or_text, buf_string(&content));
	buf_release(&content);
	(void)close(fd);
}

static bool may_trace(void)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0);
	return waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status);
}

static void a_kill_at_any_system_call_leaves_a_whole_repository(void **state)
{
	unsigned int stop = 1;
	bool was_killed = true;

	(void)state;
	need("ptrace", may_trace(), "tracing a child is not allowed");
	for (; was_killed; stop++) {
		const char *path = below(folder, "repo");
		struct store *store = NULL;
		struct diag why = {0};

		prepare(path);
		was_killed = killed_at(import, path, stop);
		assert_ok(store_open(path, &store, &why), &why);
		assert_in_range(assert_objects_whole(store), 1, 4);
		assert_image_is(store, "a/b", IMAGE_TEXT, "the old image");
		assert_nothing_temporary(below(path, "objects"));
		store_close(store);
		/* And the next one does not stumble over what is left. */
		assert_ok(import(path, &why), &why);
		assert_ok(store_open(path, &store, &why), &why);
		assert_int_equal(4, assert_objects_whole(store));
		assert_image_is(store, "a/b", IMAGE_TEXT, IMAGE_TEXT);
		store_close(store);
		folder_remove(path);
	}
	assert_true(stop > 60); /* the loop went through the whole of it */
}

static void a_kill_at_any_system_call_of_init_can_be_repeated(void **state)
{
	unsigned int stop = 1;
	bool was_killed = true;

	(void)state;
	need("ptrace", may_trace(), "tracing a child is not allowed");
	for (; was_killed; stop++) {
		const char *path = below(folder, "repo");
		struct store *store;

		was_killed = killed_at(make, path, stop);
		store = repo_open(path);
		assert_int_equal(0, assert_objects_whole(store));
		assert_nothing_temporary(path);
		store_close(store);
		folder_remove(path);
	}
	assert_true(stop > 10);
}

static bool run(const char *format, const char *a, const char *b)
{
	char command[1024];

	(void)snprintf(command, sizeof(command), format, a, b);
	return system(command) == 0;
}

struct disks {
	const char *disk;      /* the one that is written */
	const char *committed; /* as it was when image_publish() had returned */
	const char *unsynced;  /* as it was when the journal had later links, but not their data */
	const char *mount_point;
};

/* Objects linked, their links committed by the journal, their data not: no transaction_commit(). */
static void add_without_sync(struct store *store)
{
	struct transaction *transaction = begin(store);
	int objects_fd = store_objects_fd(store);
	char prefix[3];

	for (unsigned int i = 0; i < 20; i++) {
		uint8_t *bytes = bytes_of(10000 + i, 100 + i);
		struct diag why = {0};
		struct digest digest;

		assert_ok(add_bytes(transaction, span_of(bytes, 10000 + i), &digest, &why), &why);
		free(bytes);
	}
	for (unsigned int i = 0; i < 256; i++) {
		int fd;

		(void)snprintf(prefix, sizeof(prefix), "%02x", i);
		fd = openat(objects_fd, prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0)
			assert_int_equal(0, fsync(fd));
		fd_close(fd);
	}
	transaction_abort(transaction);
}

static int count_short(void *context, const struct digest *name, struct diag *why)
{
	void **pair = context;
	struct verity_hasher *hasher = hasher_of(DIGEST_SHA256);
	struct digest digest;
	uint64_t size;
	int fd = object_open(pair[0], name, why);

	assert_ok(fd, why);
	assert_ok(verity_hash_fd(hasher, fd, &digest, &size, why), why);
	*(size_t *)pair[1] += !digest_equal(&digest, name);
	verity_hasher_free(hasher);
	(void)close(fd);
	return 0;
}

static void check_unsynced(struct store *store)
{
	size_t count = 0;
	void *context[2] = {store, &count};
	struct transaction *transaction;
	struct diag why = {0};

	assert_image_is(store, "a/b", IMAGE_TEXT, IMAGE_TEXT);
	assert_ok(store_each_object(store, count_short, context, &why), &why);
	print_message("# %zu objects are short after the power loss\n", count);
	assert_true(count > 0); /* else this proves nothing: ext4 allocates late */
	transaction = begin(store);
	for (unsigned int i = 0; i < 20; i++) {
		uint8_t *bytes = bytes_of(10000 + i, 100 + i);
		struct digest digest;

		assert_ok(add_bytes(transaction, span_of(bytes, 10000 + i), &digest, &why), &why);
		free(bytes);
	}
	assert_int_equal(count, transaction_stats(transaction).added_count);
	assert_ok(transaction_commit(transaction, &why), &why);
	assert_int_equal(24, assert_objects_whole(store));
}

/* In a child with a mount namespace of its own. 77: not here. */
static int cut_power(const struct disks *disks)
{
	struct store *store = NULL;
	struct diag why = {0};
	const char *repo = below(disks->mount_point, "repo");

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	if (!run("truncate -s 64M %s && mkfs.ext4 -q %s >/dev/null 2>&1", disks->disk,
		 disks->disk) ||
	    !run("mount -o loop %s %s 2>/dev/null", disks->disk, disks->mount_point))
		return 77;
	prepare(repo);
	assert_ok(import(repo, &why), &why);
	if (!run("cp --sparse=always %s %s", disks->disk, disks->committed))
		return 77;
	assert_ok(store_open(repo, &store, &why), &why);
	add_without_sync(store);
	if (!run("cp --sparse=always %s %s", disks->disk, disks->unsynced))
		return 77;
	store_close(store);
	assert_int_equal(0, umount(disks->mount_point));

	assert_true(run("mount -o loop %s %s", disks->committed, disks->mount_point));
	assert_ok(store_open(repo, &store, &why), &why);
	assert_int_equal(4, assert_objects_whole(store));
	assert_image_is(store, "a/b", IMAGE_TEXT, IMAGE_TEXT);
	store_close(store);
	assert_int_equal(0, umount(disks->mount_point));

	assert_true(run("mount -o loop %s %s", disks->unsynced, disks->mount_point));
	assert_ok(store_open(repo, &store, &why), &why);
	check_unsynced(store);
	store_close(store);
	assert_int_equal(0, umount(disks->mount_point));
	return 0;
}

static void power_loss_spares_what_was_published(void **state)
{
	struct disks disks = {below(folder, "disk"), below(folder, "committed"),
			      below(folder, "unsynced"), below(folder, "mnt")};
	pid_t child;
	int status;

	(void)state;
	need("root", geteuid() == 0, "loop devices need root");
	assert_int_equal(0, mkdir(disks.mount_point, 0755));
	child = fork();
	if (child == 0)
		_exit(cut_power(&disks));
	assert_int_equal(child, waitpid(child, &status, 0));
	need("loop", !WIFEXITED(status) || WEXITSTATUS(status) != 77,
	     "no ext4 on a loop device here");
	assert_true(WIFEXITED(status));
	assert_int_equal(0, WEXITSTATUS(status));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_kill_at_any_system_call_leaves_a_whole_repository),
		CASE(a_kill_at_any_system_call_of_init_can_be_repeated),
		CASE(power_loss_spares_what_was_published),
	};

	return cmocka_run_group_tests_name("store/crash", tests, NULL, NULL);
}
