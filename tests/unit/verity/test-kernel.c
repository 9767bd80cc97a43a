/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "verity/hasher.h"
#include "verity/kernel.h"

/* A file of eleven bytes, open read-only, with no name left. */
static int file_on_disk(void)
{
	char path[] = "/var/tmp/lamina-verity-XXXXXX";
	int fd = mkstemp(path), reader;

	assert_true(fd >= 0);
	assert_int_equal(0, fd_write(fd, "hello world", 11));
	reader = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(reader >= 0);
	(void)close(fd);
	assert_int_equal(0, unlink(path));
	return reader;
}

static void says_that_memory_files_have_no_verity(void **state)
{
	int fd = memfd_create("content", MFD_CLOEXEC);
	struct diag why = {0};
	struct digest digest;

	(void)state;
	assert_int_equal(-EOPNOTSUPP, verity_enable(fd, DIGEST_SHA256, &why));
	assert_non_null(strstr(why.text, "fs-verity is not supported here"));
	why = (struct diag){0};
	assert_int_equal(-EOPNOTSUPP, verity_measure(fd, &digest, &why));
	assert_non_null(strstr(why.text, "fs-verity is not supported here"));
	(void)close(fd);
}

static void a_file_without_verity_is_told_apart(void **state)
{
	int fd = file_on_disk();
	struct diag why = {0};
	struct digest digest;
	int r = verity_measure(fd, &digest, &why);

	(void)state;
	assert_true(r == -ENODATA || r == -EOPNOTSUPP);
	assert_string_not_equal("", why.text);
	(void)close(fd);
}

static void the_kernel_measures_what_the_hasher_says(void **state)
{
	struct verity_hasher *hasher = NULL;
	struct digest measured, hashed;
	int fd = file_on_disk(), r;
	struct diag why = {0};

	(void)state;
	r = verity_enable(fd, DIGEST_SHA512, &why);
	if (r == -EOPNOTSUPP)
		(void)close(fd);
	need("verity", r != -EOPNOTSUPP, why.text);
	assert_ok(r, &why);
	assert_int_equal(-EEXIST, verity_enable(fd, DIGEST_SHA512, &why));
	assert_ok(verity_measure(fd, &measured, &why), &why);
	assert_ok(verity_hasher_new(DIGEST_SHA512, &hasher, &why), &why);
	assert_int_equal(0, verity_update(hasher, SPAN_LITERAL("hello world")));
	assert_int_equal(0, verity_finish(hasher, &hashed));
	assert_true(digest_equal(&measured, &hashed));
	verity_hasher_free(hasher);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_that_memory_files_have_no_verity),
		cmocka_unit_test(a_file_without_verity_is_told_apart),
		cmocka_unit_test(the_kernel_measures_what_the_hasher_says),
	};

	return cmocka_run_group_tests_name("verity/kernel", tests, NULL, NULL);
}
