/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_whole_though_pieces_come),
		cmocka_unit_test(reads_and_writes_at_offsets),
		cmocka_unit_test(stops_reading_at_the_limit),
		cmocka_unit_test(takes_and_closes),
	};

	return cmocka_run_group_tests_name("base/fd", tests, NULL, NULL);
}
