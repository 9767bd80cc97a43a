/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A supervisor runs in a child of the test; what its servers do is a script of one letter each:
 * a answers a request and crashes, c crashes, e ends, f fails, s waits for a signal, h takes a
 * request and hangs, t is stopped.
 */
#include "check.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse/abi.h"
#include "fuse/ledger.h"
#include "ops/supervisor.h"

#define LOOK_INTERVAL_MS 40

struct scene {
	const char *script;
	struct fuse_ledger *ledger;
	int device[2];  /* a pipe in its place; a byte in it is a request */
	struct record { /* shared */
		_Atomic unsigned int servers;
		_Atomic pid_t server; /* the last one */
		_Atomic unsigned int started;
		_Atomic unsigned int said;
	} * record;
};

static void serve(void *context)
{
	struct scene *scene = context;
	unsigned int index;

	atomic_store(&scene->record->server, getpid());
	index = atomic_fetch_add(&scene->record->servers, 1);
	switch (index < strlen(scene->script) ? scene->script[index] : 'e') {
	case 'a':
		ledger_count(&scene->ledger->slots[0].taken);
		ledger_count(&scene->ledger->slots[0].done);
		(void)raise(SIGKILL);
		break;
	case 'c':
		(void)raise(SIGKILL);
		break;
	case 'f':
		_exit(EXIT_FAILURE);
	case 'h':
		ledger_count(&scene->ledger->slots[0].taken);
		(void)pause();
		break;
	case 's':
		(void)pause();
		break;
	case 't':
		(void)raise(SIGSTOP);
		break;
	default:
		_exit(EXIT_SUCCESS);
	}
}

static void started(void *context)
{
	struct scene *scene = context;

	atomic_fetch_add(&scene->record->started, 1);
}

static void say(void *context, const char *message)
{
	struct scene *scene = context;

	(void)message;
	atomic_fetch_add(&scene->record->said, 1);
}

static void scene_begin(struct scene *scene, const char *script, uint64_t flags)
{
	scene->script = script;
	assert_int_equal(0, fuse_ledger_new(&scene->ledger));
	scene->record = mmap(NULL, sizeof(*scene->record), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(MAP_FAILED, scene->record);
	assert_int_equal(0, pipe(scene->device));
	scene->ledger->flags = flags;
	atomic_store(&scene->ledger->is_negotiated, flags != 0);
}

static pid_t scene_start(struct scene *scene)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct supervised supervised = {
			.ledger = scene->ledger,
			.device_fd = scene->device[0],
			.look_interval_ms = LOOK_INTERVAL_MS,
			.serve = serve,
			.started = started,
			.say = say,
			.context = scene,
		};

		_exit(supervise(&supervised));
	}
	return pid;
}

static int scene_end(struct scene *scene, pid_t pid)
{
	int status;

	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(1, atomic_load(&scene->record->started));
	(void)munmap(scene->record, sizeof(*scene->record));
	fuse_ledger_free(scene->ledger);
	(void)close(scene->device[0]);
	(void)close(scene->device[1]);
	return status;
}

/* Plays a script whose servers can be resumed. Returns the wait status; *ret_servers: how many. */
static int play(const char *script, uint64_t flags, unsigned int *ret_servers)
{
	struct scene scene;
	pid_t pid;

	scene_begin(&scene, script, flags);
	pid = scene_start(&scene);
	assert_int_equal(
		pid, waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT) == 0 ? pid : -1);
	*ret_servers = atomic_load(&scene.record->servers);
	return scene_end(&scene, pid);
}

static void assert_exits(int expected, unsigned int servers, const char *script)
{
	unsigned int count;
	int status = play(script, INIT_HAS_RESEND, &count);

	assert_true(WIFEXITED(status));
	assert_int_equal(expected, WEXITSTATUS(status));
	assert_int_equal(servers, count);
}

static void a_crashed_server_is_replaced(void **state)
{
	(void)state;
	assert_exits(EXIT_SUCCESS, 1, "e");
	assert_exits(EXIT_FAILURE, 1, "f");
	assert_exits(EXIT_SUCCESS, 2, "ae");
	assert_exits(EXIT_SUCCESS, 2, "ce");
	assert_exits(EXIT_SUCCESS, 21, "aaaaaaaaaaaaaaaaaaaae");
	assert_exits(EXIT_FAILURE, 3, "aaf");
}

static void one_that_never_answers_is_given_up(void **state)
{
	(void)state;
	assert_exits(EXIT_FAILURE, 3, "ccce");
	assert_exits(EXIT_FAILURE, 4, "accce");
	/* An answer between makes it begin anew. */
	assert_exits(EXIT_SUCCESS, 6, "ccacce");
}

static void what_cannot_be_resumed_is_not_replaced(void **state)
{
	unsigned int count;
	int status = play("ae", INIT_EXPORT_SUPPORT, &count);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(EXIT_FAILURE, WEXITSTATUS(status));
	assert_int_equal(1, count);
	/* Before anything was negotiated, the starter is told by which signal. */
	status = play("ce", 0, &count);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(SIGKILL, WTERMSIG(status));
	assert_int_equal(1, count);
}

static void a_server_that_hangs_is_replaced(void **state)
{
	(void)state;
	assert_exits(EXIT_SUCCESS, 2, "he");
	assert_exits(EXIT_SUCCESS, 4, "hahe");
	assert_exits(EXIT_FAILURE, 3, "hhhe");
	assert_exits(EXIT_SUCCESS, 2, "te");
}

static void who_leaves_a_request_waiting_hangs_and_who_has_none_does_not(void **state)
{
	struct scene scene;
	pid_t pid;

	(void)state;
	scene_begin(&scene, "se", INIT_HAS_RESEND);
	pid = scene_start(&scene);
	(void)usleep(10 * LOOK_INTERVAL_MS * 1000);
	assert_int_equal(1, atomic_load(&scene.record->servers));
	assert_int_equal(1, write(scene.device[1], "r", 1));
	while (atomic_load(&scene.record->servers) == 1)
		(void)usleep(1000);
	assert_int_equal(W_EXITCODE(EXIT_SUCCESS, 0), scene_end(&scene, pid));
}

/* Whoever ends the supervisor, ends both. */
static void assert_ends_both(int signal_number)
{
	struct scene scene;
	struct pollfd server = {.events = POLLIN};
	pid_t pid;
	int status;

	scene_begin(&scene, "s", INIT_HAS_RESEND);
	pid = scene_start(&scene);
	/* The server may run before its supervisor goes on: no kill in between. */
	while (atomic_load(&scene.record->servers) == 0 || atomic_load(&scene.record->started) == 0)
		(void)usleep(1000);
	server.fd = (int)syscall(SYS_pidfd_open, atomic_load(&scene.record->server), 0);
	assert_true(server.fd >= 0);
	assert_int_equal(0, kill(pid, signal_number));
	status = scene_end(&scene, pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(signal_number, WTERMSIG(status));
	assert_int_equal(1, poll(&server, 1, 20000));
	(void)close(server.fd);
}

static void a_signal_ends_both(void **state)
{
	(void)state;
	assert_ends_both(SIGTERM);
	assert_ends_both(SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crashed_server_is_replaced),
		cmocka_unit_test(one_that_never_answers_is_given_up),
		cmocka_unit_test(what_cannot_be_resumed_is_not_replaced),
		cmocka_unit_test(a_server_that_hangs_is_replaced),
		cmocka_unit_test(who_leaves_a_request_waiting_hangs_and_who_has_none_does_not),
		cmocka_unit_test(a_signal_ends_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
