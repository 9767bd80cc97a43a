/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "verity/hasher.h"

#define BLOCK 4096ULL

static struct verity_hasher *hasher_of(enum digest_algorithm algorithm)
{
	struct verity_hasher *hasher = NULL;
	struct diag why = {0};

	assert_ok(verity_hasher_new(algorithm, &hasher, &why), &why);
	return hasher;
}

/* A sparse file with a few bytes at the start, in the middle and at the end. */
static int file_of(uint64_t size)
{
	int fd = memfd_create("content", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(0, ftruncate(fd, (off_t)size));
	if (size) {
		assert_int_equal(0, fd_pwrite(fd, "a", 1, 0));
		assert_int_equal(0, fd_pwrite(fd, "b", 1, size / 2));
		assert_int_equal(0, fd_pwrite(fd, "c", 1, size - 1));
	}
	return fd;
}

static bool oracle_is_there(void)
{
	return system("command -v fsverity >/dev/null 2>&1") == 0;
}

static void oracle(int fd, enum digest_algorithm algorithm, char *hex)
{
	char command[128];
	FILE *pipe;

	(void)snprintf(command, sizeof(command),
		       "fsverity digest --compact --hash-alg=%s /proc/%d/fd/%d",
		       digest_algorithm_name(algorithm), (int)getpid(), fd);
	pipe = popen(command, "re");
	assert_non_null(pipe);
	assert_int_equal(1, fscanf(pipe, "%128s", hex));
	assert_int_equal(0, pclose(pipe));
}

/* Around each block and level: 128 hashes fit into a block of SHA-256, 64 into one of SHA-512. */
static void equals_the_fsverity_program(void **state)
{
	static const uint64_t sizes[] = {
		0,
		1,
		BLOCK - 1,
		BLOCK,
		BLOCK + 1,
		64 * BLOCK - 1,
		64 * BLOCK,
		64 * BLOCK + 1,
		128 * BLOCK - 1,
		128 * BLOCK,
		128 * BLOCK + 1,
		64 * 64 * BLOCK - 1,
		64 * 64 * BLOCK,
		64 * 64 * BLOCK + 1,
		128 * 128 * BLOCK - 1,
		128 * 128 * BLOCK,
		128 * 128 * BLOCK + 1,
		128 * 128 * BLOCK + 100 * 1024 * 1024 + 17,
	};
	static const enum digest_algorithm algorithms[] = {DIGEST_SHA256, DIGEST_SHA512};

	(void)state;
	need("fsverity", oracle_is_there(), "the program fsverity is not installed");
	for (size_t a = 0; a < 2; a++) {
		struct verity_hasher *hasher = hasher_of(algorithms[a]);

		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			char expected[DIGEST_HEX_SIZE_MAX], text[DIGEST_HEX_SIZE_MAX];
			int fd = file_of(sizes[i]);
			struct diag why = {0};
			struct digest digest;
			uint64_t size = 1;

			assert_ok(verity_hash_fd(hasher, fd, &digest, &size, &why), &why);
			assert_int_equal(sizes[i], size);
			oracle(fd, algorithms[a], expected);
			assert_string_equal(expected, digest_hex(&digest, text));
			(void)close(fd);
		}
		verity_hasher_free(hasher);
	}
}

/* The parallel way and the push hasher must agree without any program to ask. */
static void large_files_equal_pushed_bytes(void **state)
{
	static const uint64_t size = 72 * 1024 * 1024 + 12345;
	static const enum digest_algorithm algorithms[] = {DIGEST_SHA256, DIGEST_SHA512};
	int fd = file_of(size);
	uint8_t *data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	(void)state;
	assert_ptr_not_equal(MAP_FAILED, data);
	for (size_t a = 0; a < 2; a++) {
		struct verity_hasher *hasher = hasher_of(algorithms[a]);
		struct digest pushed, read;
		struct diag why = {0};
		uint64_t got;

		assert_int_equal(0, verity_update(hasher, span_of(data, size)));
		assert_int_equal(0, verity_finish(hasher, &pushed));
		assert_ok(verity_hash_fd(hasher, fd, &read, &got, &why), &why);
		assert_true(digest_equal(&pushed, &read));
		assert_int_equal(size, got);
		verity_hasher_free(hasher);
	}
	assert_int_equal(0, munmap(data, size));
	(void)close(fd);
}

static void leaves_the_file_position_alone(void **state)
{
	struct verity_hasher *hasher = hasher_of(DIGEST_SHA256);
	int fd = file_of(10000);
	struct diag why = {0};
	struct digest digest;
	uint64_t size;

	(void)state;
	assert_int_equal(123, lseek(fd, 123, SEEK_SET));
	assert_ok(verity_hash_fd(hasher, fd, &digest, &size, &why), &why);
	assert_int_equal(123, lseek(fd, 0, SEEK_CUR));
	(void)close(fd);
	verity_hasher_free(hasher);
}

static void a_failed_read_leaves_no_bytes_behind(void **state)
{
	struct verity_hasher *hasher = hasher_of(DIGEST_SHA256);
	int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct diag why = {0};
	struct digest digest;
	char text[DIGEST_HEX_SIZE_MAX];
	uint64_t size;

	(void)state;
	assert_int_equal(-EISDIR, verity_hash_fd(hasher, directory, &digest, &size, &why));
	assert_non_null(strstr(why.text, "cannot read"));
	assert_int_equal(0, verity_finish(hasher, &digest));
	assert_string_equal("3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95",
			    digest_hex(&digest, text));
	(void)close(directory);
	verity_hasher_free(hasher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_the_fsverity_program),
		cmocka_unit_test(large_files_equal_pushed_bytes),
		cmocka_unit_test(leaves_the_file_position_alone),
		cmocka_unit_test(a_failed_read_leaves_no_bytes_behind),
	};

	return cmocka_run_group_tests_name("verity/hash_fd", tests, NULL, NULL);
}
