/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Files without fs-verity, which is what temporary folders have. With it: tests/vm.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "serve/verified.h"
#include "verity/hasher.h"

static struct verified *verified;

static int set_up(void **state)
{
	(void)state;
	return verified_new(&verified, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	verified_free(verified);
	return 0;
}

static struct digest digest_of_fd(int fd, enum digest_algorithm algorithm)
{
	struct verity_hasher *hasher;
	struct diag why = {0};
	struct digest digest;
	uint64_t size;

	assert_ok(verity_hasher_new(algorithm, &hasher, &why), &why);
	assert_ok(verity_hash_fd(hasher, fd, &digest, &size, &why), &why);
	verity_hasher_free(hasher);
	return digest;
}

/* An unnamed file with some content, mode 0644. */
static int some_file(void)
{
	static const char text[] = "some content";
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(0, fd_write(fd, text, sizeof(text)));
	assert_int_equal(0, fchmod(fd, 0644));
	return fd;
}

static void a_content_is_the_one_that_was_meant_or_not(void **state)
{
	int fd = some_file();
	struct digest right = digest_of_fd(fd, DIGEST_SHA256);
	struct digest longer = digest_of_fd(fd, DIGEST_SHA512);
	struct digest wrong = right;
	struct diag why = {0};

	(void)state;
	wrong.bytes[31] ^= 1;
	for (int i = 0; i < 3; i++) {
		assert_ok(verified_check(verified, fd, &right, NULL, &why), &why);
		assert_ok(verified_check(verified, fd, &longer, NULL, &why), &why);
		assert_string_equal("", why.text);
		assert_int_equal(-EBADMSG, verified_check(verified, fd, &wrong, NULL, NULL));
	}
	assert_int_equal(-EBADMSG, verified_check(verified, fd, &wrong, NULL, &why));
	assert_non_null(strstr(why.text, "not the digest"));
	(void)close(fd);
}

static void a_file_that_was_written_to_is_hashed_again(void **state)
{
	int fd = some_file();
	struct digest before = digest_of_fd(fd, DIGEST_SHA256);
	struct diag why = {0};

	(void)state;
	assert_ok(verified_check(verified, fd, &before, NULL, &why), &why);
	assert_int_equal(0, fd_pwrite(fd, "S", 1, 0));
	assert_int_equal(-EBADMSG, verified_check(verified, fd, &before, NULL, NULL));
	assert_int_equal(0, fd_pwrite(fd, "s", 1, 0));
	assert_ok(verified_check(verified, fd, &before, NULL, &why), &why);
	(void)close(fd);
}

static void what_others_may_change_is_refused(void **state)
{
	int fd = some_file();
	struct digest digest = digest_of_fd(fd, DIGEST_SHA256);
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, fchmod(fd, 0664));
	assert_int_equal(-EPERM, verified_check(verified, fd, &digest, NULL, &why));
	assert_non_null(strstr(why.text, "no fs-verity"));
	assert_int_equal(0, fchmod(fd, 0646));
	assert_int_equal(-EPERM, verified_check(verified, fd, &digest, NULL, NULL));
	if (geteuid() == 0) {
		assert_int_equal(0, fchmod(fd, 0444));
		assert_int_equal(0, fchown(fd, 1000, 1000));
		assert_int_equal(-EPERM, verified_check(verified, fd, &digest, NULL, NULL));
	}
	(void)close(fd);
}

static struct digest license;

static void *check_license(void *context)
{
	const int fd = *(const int *)context;
	intptr_t failures = 0;

	for (int i = 0; i < 200; i++) {
		struct digest wrong = license;

		wrong.bytes[0] ^= 1;
		failures += verified_check(verified, fd, &license, NULL, NULL) != 0;
		failures += verified_check(verified, fd, &wrong, NULL, NULL) != -EBADMSG;
	}
	return (void *)failures;
}

/* A file of the source tree: old enough for its digest to be kept. */
static void threads_agree_about_a_file_that_is_remembered(void **state)
{
	int fd = open(source_path("LICENSES/Apache-2.0.txt"), O_RDONLY | O_CLOEXEC);
	pthread_t threads[4];

	(void)state;
	assert_true(fd >= 0);
	license = digest_of_fd(fd, DIGEST_SHA256);
	if (verified_check(verified, fd, &license, NULL, NULL) == -EPERM) {
		(void)close(fd);
		skip(); /* somebody else's checkout */
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, check_license, &fd));
	for (int i = 0; i < 4; i++) {
		void *failures;

		assert_int_equal(0, pthread_join(threads[i], &failures));
		assert_null(failures);
	}
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_content_is_the_one_that_was_meant_or_not, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_was_written_to_is_hashed_again, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_others_may_change_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(threads_agree_about_a_file_that_is_remembered,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
