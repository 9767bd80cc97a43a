/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "erofs/mapping.h"

#define SIZE (4 * 65536) /* several pages of any size */

static sigjmp_buf back;
static volatile sig_atomic_t caught;
static struct sigaction guard; /* what mapping_open() installed in main() */

/* Installed before the first mapping: what the guard does not know must come here. */
static void earlier_handler(int signal_number)
{
	(void)signal_number;
	caught++;
	siglongjmp(back, 1);
}

/* cmocka catches SIGBUS anew for each test; in a program nothing does. */
static void install_guard(void)
{
	assert_int_equal(0, sigaction(SIGBUS, &guard, NULL));
}

/* A file of SIZE bytes 'a' on a disk file system, without a name. */
static int file_new(mode_t mode)
{
	char path[] = "/var/tmp/lamina-test-XXXXXX";
	static char bytes[SIZE];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(0, unlink(path));
	memset(bytes, 'a', sizeof(bytes));
	assert_int_equal(0, fd_write(fd, bytes, sizeof(bytes)));
	assert_int_equal(0, fchmod(fd, mode));
	return fd;
}

static struct mapping *mapped(int fd)
{
	struct mapping *mapping = NULL;
	struct diag why = {0};

	assert_ok(mapping_open(fd, &mapping, &why), &why);
	return mapping;
}

static uint8_t byte_at(const struct mapping *mapping, size_t offset)
{
	return ((const volatile uint8_t *)mapping_bytes(mapping).data)[offset];
}

static void maps_a_file_of_ours_as_it_is(void **state)
{
	int fd = file_new(0644);
	struct mapping *mapping = mapped(fd);

	(void)state;
	assert_int_equal(SIZE, mapping_bytes(mapping).size);
	/* No copy: a change shows. */
	assert_int_equal(0, fd_pwrite(fd, "b", 1, SIZE - 1));
	fd_close(fd);
	assert_int_equal('a', byte_at(mapping, 0));
	assert_int_equal('b', byte_at(mapping, SIZE - 1));
	assert_false(mapping_is_damaged(mapping));
	mapping_close(mapping);
}

static void a_truncated_file_reads_as_zeros_and_is_marked(void **state)
{
	int fd = file_new(0600), other_fd = file_new(0600);
	struct mapping *mapping = mapped(fd), *other = mapped(other_fd);

	(void)state;
	install_guard();
	assert_int_equal(0, ftruncate(fd, 0));
	errno = 5;
	assert_int_equal(0, byte_at(mapping, SIZE - 1));
	assert_int_equal(5, errno);
	assert_int_equal(0, byte_at(mapping, 0));
	assert_true(mapping_is_damaged(mapping));
	assert_int_equal('a', byte_at(other, 0));
	assert_false(mapping_is_damaged(other));
	fd_close(fd);
	fd_close(other_fd);
	mapping_close(mapping);
	mapping_close(other);
}

static void copies_what_others_may_change(void **state)
{
	static const mode_t modes[] = {0664, 0646, 0666};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		int fd = file_new(modes[i]);
		struct mapping *mapping = mapped(fd);

		assert_int_equal(0, fd_pwrite(fd, "b", 1, 0));
		assert_int_equal(0, ftruncate(fd, 1));
		assert_int_equal('a', byte_at(mapping, 0));
		assert_int_equal('a', byte_at(mapping, SIZE - 1));
		assert_false(mapping_is_damaged(mapping));
		fd_close(fd);
		mapping_close(mapping);
	}
}

static void copies_files_of_other_users(void **state)
{
	int fd = file_new(0600);
	struct mapping *mapping;

	(void)state;
	need("root", geteuid() == 0, "only root can give a file away");
	assert_int_equal(0, fchown(fd, 12345, 12345));
	mapping = mapped(fd);
	assert_int_equal(0, ftruncate(fd, 0));
	assert_int_equal('a', byte_at(mapping, SIZE - 1));
	fd_close(fd);
	mapping_close(mapping);
}

static void maps_sealed_memory_as_it_is(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct mapping *mapping;

	(void)state;
	assert_int_equal(0, fd_write(fd, "sealed", 6));
	assert_int_equal(0, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW));
	mapping = mapped(fd);
	fd_close(fd);
	assert_memory_equal("sealed", mapping_bytes(mapping).data, 6);
	mapping_close(mapping);
}

static void serves_more_mappings_than_are_guarded(void **state)
{
	struct mapping *mappings[100];
	int fd = file_new(0600);

	(void)state;
	install_guard();
	for (size_t i = 0; i < 100; i++)
		mappings[i] = mapped(fd);
	assert_int_equal(0, ftruncate(fd, 0));
	for (size_t i = 0; i < 100; i++) {
		/* Guarded, or a copy. */
		bool is_zero = byte_at(mappings[i], 0) == 0;

		assert_int_equal(is_zero, mapping_is_damaged(mappings[i]));
		assert_true(is_zero || i >= 64);
		mapping_close(mappings[i]);
	}
	fd_close(fd);
	/* The places are free again. */
	maps_a_file_of_ours_as_it_is(state);
}

static void leaves_other_faults_to_who_was_there(void **state)
{
	int fd = file_new(0600);
	const volatile uint8_t *bytes = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	struct mapping *mapping = mapped(fd);

	(void)state;
	install_guard();
	assert_true(bytes != MAP_FAILED);
	assert_int_equal(0, ftruncate(fd, 0));
	caught = 0;
	if (sigsetjmp(back, 1) == 0) {
		(void)bytes[0];
		fail_msg("no fault");
	}
	assert_int_equal(1, caught);
	assert_false(mapping_is_damaged(mapping));
	if (sigsetjmp(back, 1) == 0) {
		(void)raise(SIGBUS);
		fail_msg("the signal was lost");
	}
	assert_int_equal(2, caught);
	(void)munmap((void *)bytes, SIZE);
	mapping_close(mapping);
	fd_close(fd);
}

static void refuses_what_cannot_be_mapped(void **state)
{
	struct mapping *mapping = NULL;
	int fds[2], fd = file_new(0600);

	(void)state;
	assert_int_equal(0, pipe2(fds, O_CLOEXEC));
	assert_int_equal(-EINVAL, mapping_open(fds[0], &mapping, NULL));
	assert_int_equal(0, ftruncate(fd, 0));
	assert_int_equal(-EUCLEAN, mapping_open(fd, &mapping, NULL));
	/* Sparse, so that nothing but the size is large. */
	assert_int_equal(0, ftruncate(fd, (off_t)2 << 30));
	assert_int_equal(0, fchmod(fd, 0666));
	assert_int_equal(-E2BIG, mapping_open(fd, &mapping, NULL));
	assert_int_equal(-EBADF, mapping_open(-1, &mapping, NULL));
	assert_null(mapping);
	mapping_close(NULL);
	fd_close(fds[0]);
	fd_close(fds[1]);
	fd_close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_a_file_of_ours_as_it_is),
		cmocka_unit_test(a_truncated_file_reads_as_zeros_and_is_marked),
		cmocka_unit_test(copies_what_others_may_change),
		cmocka_unit_test(copies_files_of_other_users),
		cmocka_unit_test(maps_sealed_memory_as_it_is),
		cmocka_unit_test(serves_more_mappings_than_are_guarded),
		cmocka_unit_test(leaves_other_faults_to_who_was_there),
		cmocka_unit_test(refuses_what_cannot_be_mapped),
	};
	struct sigaction action = {.sa_handler = earlier_handler};
	struct mapping *mapping = NULL;
	int fd = file_new(0600);

	if (sigaction(SIGBUS, &action, NULL) < 0 || mapping_open(fd, &mapping, NULL) < 0 ||
	    sigaction(SIGBUS, NULL, &guard) < 0)
		return 1;
	mapping_close(mapping);
	fd_close(fd);
	return cmocka_run_group_tests_name("erofs/mapping", tests, NULL, NULL);
}
