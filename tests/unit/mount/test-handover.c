/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "mount/handover.h"

static void takes_connected_stream_and_seqpacket(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET};
	int ends[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, ends), 0);
		assert_int_equal(handover_check(ends[0], NULL), 0);
		(void)close(ends[0]);
		(void)close(ends[1]);
	}
}

static void assert_refused(int fd, int err, const char *reason)
{
	struct diag why = {0};

	assert_int_equal(handover_check(fd, &why), err);
	assert_non_null(strstr(why.text, reason));
	if (fd >= 0)
		(void)close(fd);
}

static void refuses_what_carries_no_descriptor(void **state)
{
	int ends[2];

	(void)state;
	assert_refused(-1, -EBADF, "not open");
	assert_refused(open("/dev/null", O_RDWR | O_CLOEXEC), -ENOTSOCK, "not a socket");
	assert_refused(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), -EPROTOTYPE, "stream");
	assert_refused(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), -ENOTCONN, "connection");
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_refused(ends[0], -EPROTOTYPE, "seqpacket");
	(void)close(ends[1]);
}

static void sends_one_byte_and_one_descriptor(void **state)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	char data[8];
	struct iovec part = {data, sizeof(data)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	int ends[2], fd = open("/", O_PATH | O_CLOEXEC), got;
	struct stat sent, received;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(handover_send(ends[0], fd, NULL), 0);
	assert_int_equal(recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC), 1);
	assert_int_equal(data[0], 0);
	assert_int_equal(CMSG_FIRSTHDR(&message)->cmsg_len, CMSG_LEN(sizeof(int)));
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(got));
	assert_int_equal(fstat(fd, &sent), 0);
	assert_int_equal(fstat(got, &received), 0);
	assert_int_equal(sent.st_ino, received.st_ino);
	(void)close(got);
	(void)close(ends[1]);
	assert_int_equal(handover_send(ends[0], fd, NULL), -EPIPE);
	(void)close(ends[0]);
	(void)close(fd);
}

static void a_full_socket_that_does_not_wait_is_an_error(void **state)
{
	int ends[2], fd = open("/", O_PATH | O_CLOEXEC), r;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
			 0);
	do {
		r = (int)send(ends[0], "", 1, 0);
	} while (r == 1);
	assert_int_equal(handover_send(ends[0], fd, NULL), -EAGAIN);
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_connected_stream_and_seqpacket),
		cmocka_unit_test(refuses_what_carries_no_descriptor),
		cmocka_unit_test(sends_one_byte_and_one_descriptor),
		cmocka_unit_test(a_full_socket_that_does_not_wait_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
