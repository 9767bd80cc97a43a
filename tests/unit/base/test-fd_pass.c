/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fd_pass.h"

static void a_descriptor_goes_with_its_bytes(void **state)
{
	char text[16] = "";
	int ends[2], file[2], fd = -1;

	(void)state;
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	assert_int_equal(0, pipe2(file, O_CLOEXEC));
	assert_int_equal(0, fd_pass_send(ends[0], "abc", 3, file[0]));
	assert_int_equal(0, fd_pass_send(ends[0], "de", 2, -1));
	assert_int_equal(3, fd_pass_receive(ends[1], text, sizeof(text), &fd));
	assert_memory_equal("abc", text, 3);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(1, write(file[1], "x", 1));
	assert_int_equal(1, read(fd, text, 1));
	fd_close(fd);
	assert_int_equal(2, fd_pass_receive(ends[1], text, sizeof(text), &fd));
	assert_int_equal(-1, fd);
	fd_close(ends[0]);
	assert_int_equal(0, fd_pass_receive(ends[1], text, sizeof(text), &fd));
	assert_int_equal(-EPIPE, fd_pass_send(ends[1], "abc", 3, -1));
	fd_close(ends[1]);
	fd_close(file[0]);
	fd_close(file[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_goes_with_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
