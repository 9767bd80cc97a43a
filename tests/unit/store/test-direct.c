/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "repo.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include "store/direct_private.h"

#define PIECE_SIZE ((size_t)64 * 1024)

static char folder[REPO_PATH_SIZE];
static uint8_t *bytes; /* two pieces, aligned */

static int setup(void **state)
{
	(void)state;
	folder_make(NULL, folder);
	bytes = aligned_alloc(DIRECT_ALIGN, 2 * PIECE_SIZE);
	assert_non_null(bytes);
	for (size_t i = 0; i < 2 * PIECE_SIZE; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 4096);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(bytes);
	folder_remove(folder);
	return 0;
}

static int new_file(void)
{
	char path[REPO_PATH_SIZE + 8];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/file", folder);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	return fd;
}

/* Skips where the file system has no O_DIRECT. */
static int new_direct_file(void)
{
	int fd = new_file(), r = direct_set(fd, true);

	if (r == -EINVAL) {
		(void)close(fd);
		print_message("no O_DIRECT on this file system\n");
		skip();
	}
	assert_int_equal(0, r);
	return fd;
}

static bool is_direct_now(int fd)
{
	return (fcntl(fd, F_GETFL) & O_DIRECT) != 0;
}

static void assert_file(int fd, size_t size)
{
	uint8_t *found = malloc(size + 1);

	assert_non_null(found);
	assert_int_equal(0, direct_set(fd, false));
	assert_int_equal(size, fd_pread(fd, found, size + 1, 0));
	assert_memory_equal(bytes, found, size);
	free(found);
	(void)close(fd);
}

static size_t resident_pages(int fd, size_t size)
{
	uint8_t pages[2 * PIECE_SIZE / 4096 + 1];
	void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	size_t count = 0;

	assert_ptr_not_equal(MAP_FAILED, map);
	assert_int_equal(0, mincore(map, size, pages));
	for (size_t i = 0; i < (size + 4095) / 4096; i++)
		count += pages[i] & 1;
	(void)munmap(map, size);
	return count;
}

static void whole_blocks_are_in_no_cache(void **state)
{
	int fd = new_direct_file();
	bool is_direct = true;
	struct statfs fs;

	(void)state;
	assert_int_equal(0, direct_write(fd, span_of(bytes, PIECE_SIZE), 0, &is_direct));
	assert_int_equal(0, direct_write(fd, span_of(bytes + PIECE_SIZE, PIECE_SIZE), PIECE_SIZE,
					 &is_direct));
	assert_int_equal(is_direct, is_direct_now(fd));
	assert_int_equal(0, fstatfs(fd, &fs));
	/* Files of tmpfs are nowhere else; others may refuse the write, and say so. */
	if (is_direct && fs.f_type == EXT4_SUPER_MAGIC)
		assert_int_equal(0, resident_pages(fd, 2 * PIECE_SIZE));
	assert_file(fd, 2 * PIECE_SIZE);
}

static void the_end_of_a_file_is_written_as_ever(void **state)
{
	int fd = new_direct_file();
	bool is_direct = true;

	(void)state;
	assert_int_equal(0, direct_write(fd, span_of(bytes, PIECE_SIZE), 0, &is_direct));
	assert_int_equal(
		0, direct_write(fd, span_of(bytes + PIECE_SIZE, 1001), PIECE_SIZE, &is_direct));
	assert_false(is_direct);
	assert_false(is_direct_now(fd));
	assert_file(fd, PIECE_SIZE + 1001);
}

static void what_comes_behind_half_a_block_as_well(void **state)
{
	int fd = new_direct_file();
	bool is_direct = true;
	size_t start = DIRECT_ALIGN + 12;

	(void)state;
	assert_int_equal(0, fd_pwrite(fd, bytes, DIRECT_ALIGN, 0));
	/* From an aligned place in memory to an odd place in the file. */
	memmove(bytes + 2 * DIRECT_ALIGN, bytes + start, DIRECT_ALIGN);
	assert_int_equal(0, direct_write(fd, span_of(bytes + 2 * DIRECT_ALIGN, DIRECT_ALIGN), start,
					 &is_direct));
	assert_false(is_direct_now(fd));
	memmove(bytes + start, bytes + 2 * DIRECT_ALIGN, DIRECT_ALIGN);
	memset(bytes + DIRECT_ALIGN, 0, 12);
	assert_file(fd, start + DIRECT_ALIGN);
}

static void a_file_without_it_is_written_too(void **state)
{
	int fd = new_file();
	bool is_direct = false;

	(void)state;
	assert_int_equal(0, direct_write(fd, span_of(bytes, PIECE_SIZE), 0, &is_direct));
	assert_false(is_direct_now(fd));
	assert_file(fd, PIECE_SIZE);
}

static void a_closed_file_is_an_error(void **state)
{
	bool is_direct = false;

	(void)state;
	assert_int_equal(-EBADF, direct_set(-1, true));
	assert_int_equal(-EBADF, direct_write(-1, span_of(bytes, PIECE_SIZE), 0, &is_direct));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(whole_blocks_are_in_no_cache),
		CASE(the_end_of_a_file_is_written_as_ever),
		CASE(what_comes_behind_half_a_block_as_well),
		CASE(a_file_without_it_is_written_too),
		CASE(a_closed_file_is_an_error),
	};

	return cmocka_run_group_tests_name("store/direct", tests, NULL, NULL);
}
