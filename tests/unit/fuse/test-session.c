/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A socket of whole messages takes the place of /dev/fuse, and the test that of the kernel.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/fd.h"
#include "fake.h"
#include "fuse/reply.h"
#include "fuse/session_private.h"

struct server {
	struct fuse_session *session;
	pthread_t thread;
	int kernel_fd; /* owned; our side */
	int result;
	struct diag why;
	int ready_count;
};

static void count_ready(void *context)
{
	struct server *server = context;

	server->ready_count++;
}

static void *serve(void *argument)
{
	struct server *server = argument;

	server->result = fuse_session_run(server->session, count_ready, server, &server->why);
	return NULL;
}

static void server_start_by(struct server *server, struct fuse_config config)
{
	int ends[2];

	*server = (struct server){.result = 1};
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	server->kernel_fd = ends[0];
	assert_ok(fuse_session_new(ends[1], &config, &server->session, &server->why), &server->why);
	assert_int_equal(0, pthread_create(&server->thread, NULL, serve, server));
}

static void server_start(struct server *server, const struct fuse_handlers *handlers,
			 unsigned int thread_count)
{
	const struct fuse_config config = {.handlers = handlers, .thread_count = thread_count};

	server_start_by(server, config);
}

static int server_join(struct server *server)
{
	assert_int_equal(0, pthread_join(server->thread, NULL));
	fuse_session_free(server->session);
	fd_close(server->kernel_fd);
	return server->result;
}

static void post(struct server *server, struct buf *request)
{
	assert_int_equal(request->size, send(server->kernel_fd, request->data, request->size, 0));
	buf_release(request);
}

/* The next reply; its size. */
static size_t receive(struct server *server, struct abi_reply *ret, void *body, size_t body_size)
{
	struct iovec parts[2] = {{ret, sizeof(*ret)}, {body, body_size}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t size = recvmsg(server->kernel_fd, &message, 0);

	assert_true(size >= (ssize_t)sizeof(*ret));
	assert_int_equal(size, ret->size);
	return (size_t)size;
}

static void negotiate(struct server *server)
{
	struct abi_init_reply init;
	struct buf request = {0};
	struct abi_reply head;

	init_append(&request, 45, ~0ull);
	post(server, &request);
	(void)receive(server, &head, &init, sizeof(init));
	assert_int_equal(0, head.error);
	assert_int_equal(7, init.major);
}

static void ask_read(struct server *server, uint64_t unique, uint64_t nodeid)
{
	struct abi_read_request asked = {.size = 65536};
	struct buf request = {0};

	request_append(&request, OP_READ, unique, nodeid, &asked, sizeof(asked), NULL);
	post(server, &request);
}

static void serves_until_the_other_side_is_gone(void **state)
{
	static uint8_t body[65536];
	struct abi_reply head;
	struct server server;

	(void)state;
	server_start(&server, &fake_handlers, 3);
	negotiate(&server);
	for (uint64_t unique = 10; unique < 200; unique++) {
		ask_read(&server, unique, 2);
		assert_int_equal(16 + FAKE_SIZE, receive(&server, &head, body, sizeof(body)));
		assert_int_equal(unique, head.unique);
		assert_memory_equal(body, fake_content, FAKE_SIZE);
	}
	(void)shutdown(server.kernel_fd, SHUT_RDWR);
	assert_int_equal(0, server_join(&server));
	assert_int_equal(1, server.ready_count);
}

static void is_not_ready_before_init(void **state)
{
	struct server server;

	(void)state;
	server_start(&server, &fake_handlers, 3);
	(void)shutdown(server.kernel_fd, SHUT_RDWR);
	assert_int_equal(0, server_join(&server));
	assert_int_equal(0, server.ready_count);
}

static void an_old_kernel_is_refused_by_its_version(void **state)
{
	struct buf request = {0};
	struct abi_reply head;
	struct server server;

	(void)state;
	server_start(&server, &fake_handlers, 1);
	init_append(&request, 23, ~0ull);
	post(&server, &request);
	(void)receive(&server, &head, NULL, 0);
	assert_int_equal(-EPROTO, head.error);
	assert_int_equal(-EOPNOTSUPP, server_join(&server));
	assert_non_null(strstr(server.why.text, "7.23"));
}

static void stop_ends_threads_that_wait(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct server server;

		server_start(&server, &fake_handlers, 1 + (unsigned int)i % 4);
		/* Also while it is still waiting for INIT. */
		if (i % 5)
			negotiate(&server);
		fuse_session_stop(server.session);
		assert_int_equal(0, server_join(&server));
	}
}

static struct fuse_session *session_to_stop;

static void stop_from_handler(int signal)
{
	(void)signal;
	fuse_session_stop(session_to_stop);
}

static void stop_may_be_called_by_a_signal_handler(void **state)
{
	struct sigaction action = {.sa_handler = stop_from_handler, .sa_flags = SA_RESTART},
			 previous;
	struct server server;

	(void)state;
	server_start(&server, &fake_handlers, 2);
	negotiate(&server);
	session_to_stop = server.session;
	assert_int_equal(0, sigaction(SIGUSR1, &action, &previous));
	assert_int_equal(0, pthread_kill(server.thread, SIGUSR1));
	assert_int_equal(0, server_join(&server));
	(void)sigaction(SIGUSR1, &previous, NULL);
}

static void destroy_ends_all_threads(void **state)
{
	struct buf request = {0};
	struct abi_reply head;
	struct server server;

	(void)state;
	server_start(&server, &fake_handlers, 4);
	negotiate(&server);
	request_append(&request, OP_DESTROY, 9, 0, NULL, 0, NULL);
	post(&server, &request);
	(void)receive(&server, &head, NULL, 0);
	assert_int_equal(0, head.error);
	assert_int_equal(0, server_join(&server));
}

static const uint8_t *unreadable; /* 2 pages, of which the second is not there */

static int read_unreadable(void *fs, uint64_t nodeid, uint64_t offset, size_t size,
			   struct fuse_reply *reply)
{
	(void)fs;
	(void)nodeid;
	(void)offset;
	(void)size;
	return reply_span(reply, span_of(unreadable, 8192));
}

/* An image page that cannot be read is no crash, and its reader learns of it. */
static void bytes_that_cannot_be_read_are_an_error(void **state)
{
	struct fuse_handlers handlers = fake_handlers;
	static uint8_t body[65536];
	struct abi_reply head;
	struct server server;
	void *pages = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(MAP_FAILED, pages);
	assert_int_equal(0, mprotect((uint8_t *)pages + 4096, 4096, PROT_NONE));
	unreadable = pages;
	handlers.read = read_unreadable;
	server_start(&server, &handlers, 1);
	negotiate(&server);
	ask_read(&server, 7, 2);
	assert_int_equal(16, receive(&server, &head, body, sizeof(body)));
	assert_int_equal(-EIO, head.error);
	assert_int_equal(7, head.unique);
	fuse_session_stop(server.session);
	assert_int_equal(0, server_join(&server));
	(void)munmap(pages, 8192);
}

/* The descriptor stays the caller's when a session cannot be made of it. */
static void refuses_what_is_no_descriptor(void **state)
{
	struct fuse_config config = {.handlers = &fake_handlers};
	struct fuse_session *session;
	struct diag why = {0};

	(void)state;
	assert_int_equal(-EBADF, fuse_session_new(-1, &config, &session, &why));
	assert_true(why.text[0]);
}

/* A socket takes no commands of FUSE, as a kernel might refuse them after all. */
static void rings_that_are_refused_leave_the_device(void **state)
{
	const struct fuse_config config = {
		.handlers = &fake_handlers,
		.queue_count = fuse_queue_count(),
		.thread_count = 1,
	};
	static uint8_t body[65536];
	struct abi_reply head;
	struct server server;

	(void)state;
	server_start_by(&server, config);
	negotiate(&server);
	for (uint64_t unique = 10; unique < 200; unique++) {
		ask_read(&server, unique, 2);
		assert_int_equal(16 + FAKE_SIZE, receive(&server, &head, body, sizeof(body)));
		assert_int_equal(unique, head.unique);
	}
	assert_int_equal(0, shutdown(server.kernel_fd, SHUT_RDWR));
	assert_int_equal(0, server_join(&server));
}

static void rings_that_are_demanded_and_not_offered_are_an_error(void **state)
{
	const struct fuse_config config = {
		.handlers = &fake_handlers,
		.transport = FUSE_TRANSPORT_RING,
		.queue_count = fuse_queue_count(),
	};
	struct abi_init_reply init;
	struct buf request = {0};
	struct abi_reply head;
	struct server server;

	(void)state;
	server_start_by(&server, config);
	init_append(&request, 45, ~INIT_OVER_IO_URING);
	post(&server, &request);
	(void)receive(&server, &head, &init, sizeof(init));
	assert_int_equal(-EOPNOTSUPP, server_join(&server));
	assert_non_null(strstr(server.why.text, "enable_uring"));
	assert_int_equal(0, server.ready_count);
}

static void ask_as(struct server *server, uint64_t unique, uint32_t task)
{
	struct abi_read_request asked = {.size = 65536};
	struct buf request = {0};

	request_append(&request, OP_READ, unique, 2, &asked, sizeof(asked), NULL);
	memcpy(request.data + offsetof(struct abi_request, pid), &task, sizeof(task));
	post(server, &request);
}

/* Each client asks once, both are answered, in whatever order. */
static void two_ask(struct server *server, uint64_t unique)
{
	static uint8_t body[65536];
	struct abi_reply head;
	uint64_t sum = 0;

	for (uint32_t client = 0; client < 2; client++)
		ask_as(server, unique + client, 100 + client);
	for (uint32_t client = 0; client < 2; client++) {
		assert_int_equal(16 + FAKE_SIZE, receive(server, &head, body, sizeof(body)));
		assert_memory_equal(body, fake_content, FAKE_SIZE);
		sum += head.unique;
	}
	assert_int_equal(2 * unique + 1, sum);
}

#define POLLS_WITHIN_S 10

/* What threads that poll do to the descriptor. */
static bool is_polled(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

static void two_clients_make_a_crowd_that_ends_with_them(void **state)
{
	const struct fuse_config config = {
		.handlers = &fake_handlers, .thread_count = CPUS_FEW_MAX, .keeps_awake = true};
	int cpus[CPUS_FEW_MAX], server_fd, crowds = 0;
	uint64_t unique = 10, end_ns = pace_now_ns() + POLLS_WITHIN_S * 1000000000ull;
	struct server server;

	(void)state;
	need("cpus", cpus_if_few(cpus) == 2, "two clients are as many as CPUs where there are two");
	server_start_by(&server, config);
	server_fd = dup(server.session->read_fd);
	assert_true(server_fd >= 0);
	negotiate(&server);
	while (crowds < 3) {
		while (!is_polled(server_fd)) {
			assert_true(pace_now_ns() < end_ns);
			two_ask(&server, unique);
			unique += 2;
		}
		crowds++;
		for (int i = 0; i < 500; i++, unique += 2)
			two_ask(&server, unique);
		while (is_polled(server_fd)) {
			assert_true(pace_now_ns() < end_ns);
			(void)usleep(100);
		}
	}
	/* And the threads wait again for what comes. */
	(void)usleep(1000);
	two_ask(&server, unique);
	fd_close(server_fd);
	fuse_session_stop(server.session);
	assert_int_equal(0, server_join(&server));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves_until_the_other_side_is_gone),
		cmocka_unit_test(is_not_ready_before_init),
		cmocka_unit_test(an_old_kernel_is_refused_by_its_version),
		cmocka_unit_test(stop_ends_threads_that_wait),
		cmocka_unit_test(stop_may_be_called_by_a_signal_handler),
		cmocka_unit_test(rings_that_are_refused_leave_the_device),
		cmocka_unit_test(rings_that_are_demanded_and_not_offered_are_an_error),
		cmocka_unit_test(two_clients_make_a_crowd_that_ends_with_them),
		cmocka_unit_test(destroy_ends_all_threads),
		cmocka_unit_test(bytes_that_cannot_be_read_are_an_error),
		cmocka_unit_test(refuses_what_is_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
