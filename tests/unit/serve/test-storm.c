/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A mount under load, whose end comes at any moment and in any way. What a call says is right, or
 * it is an error that the end explains; nobody hangs; nothing is left open or running.
 *
 * LAMINA_STORM_ROUNDS (4) is how many for each end and transport, LAMINA_STORM_SEED (1) what
 * chance starts from, as far as threads leave anything to that.
 */
#include "check.h"

#include "../mount/isolate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "made.h"
#include "mount/attach.h"
#include "mount/fuse.h"
#include "random_tree.h"

#define ROUNDS_DEFAULT 4
#define MANY 300
#define CLIENTS 4
#define FD_EXTRA_MAX 64   /* of clients, the session, and objects that they have open */
#define TASK_EXTRA_MAX 16 /* clients, helpers, and the session's threads */
#define WATCHDOG_SEC 60

/* Each row runs all of it once more. */
static const struct transport {
	const char *name;
	struct fuse_config config;
} transports[] = {
	{"/dev/fuse, one thread", {.thread_count = 1}},
	{"/dev/fuse, three threads", {.thread_count = 3}},
};

struct storm {
	const struct transport *transport;
	struct made made;
	struct view *view;
	struct fuse_session *session;
	pthread_t server;
	bool has_server;  /* a thread to join... */
	pid_t server_pid; /* ...or a process to wait for */
	int result;       /* of the session */
	struct diag why;
	int objects_fd;
	unsigned int connection; /* its name below ctl */
	struct random random;
};

static struct storm storm;
static const char *_Atomic stage = "";
static atomic_bool end_has_begun; /* errors may be seen */
static atomic_bool path_is_gone;  /* ENOENT, too */
static atomic_bool clients_end, helpers_end;
static atomic_uint calls;
static pthread_t clients[CLIENTS];

/* Clients. Each call returns 0 or -errno; what succeeds with the wrong answer fails the test. */

static int failed_errno(void)
{
	return errno ? -errno : -EPROTO;
}

static int call_stat(int root, unsigned int n)
{
	struct stat st;
	char path[64];

	(void)snprintf(path, sizeof(path), "many/f%04u", n);
	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed_errno();
	expect(S_ISREG(st.st_mode) && st.st_size == 5 && st.st_nlink == 1);
	return 0;
}

/* Of a name that nobody has asked for before. */
static int call_absent(int root, unsigned int n)
{
	struct stat st;
	char path[64];

	(void)snprintf(path, sizeof(path), "many/n%04u-%u", n, atomic_load(&calls));
	expect(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) < 0);
	return errno == ENOENT ? 0 : failed_errno();
}

static int call_read(int root, unsigned int n)
{
	char path[64], expected[64], content[64];
	ssize_t size;
	int fd;

	(void)snprintf(path, sizeof(path), "many/f%04u", n);
	(void)snprintf(expected, sizeof(expected), "f%04u", n);
	fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed_errno();
	size = read(fd, content, sizeof(content));
	expect(size < 0 || (size == 5 && memcmp(content, expected, 5) == 0));
	size = size < 0 ? failed_errno() : 0;
	fd_close(fd);
	return (int)size;
}

static int call_read_object(int root, unsigned int n)
{
	static _Thread_local uint8_t content[80000];
	size_t object = n % RANDOM_OBJECTS;
	uint64_t at = 0;
	char path[64];
	ssize_t size;
	int fd;

	(void)snprintf(path, sizeof(path), "ext/e%zu", object);
	fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed_errno();
	if (n % 3 == 0) /* or only the first time */
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while ((size = read(fd, content, sizeof(content))) > 0) {
		for (ssize_t i = 0; i < size; i++)
			expect(content[i] == random_object_byte(object, at + (uint64_t)i));
		at += (uint64_t)size;
	}
	size = size < 0 ? failed_errno() : 0;
	expect(size < 0 || at == random_objects[object].size);
	fd_close(fd);
	return (int)size;
}

static int call_getxattr(int root, unsigned int n)
{
	char path[96], value[64], expected[64];
	ssize_t size;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/many/f%04u", root, n);
	(void)snprintf(expected, sizeof(expected), "n%04u", n);
	size = lgetxattr(path, "user.n", value, sizeof(value));
	if (size < 0)
		return failed_errno();
	expect(size == 5 && memcmp(value, expected, 5) == 0);
	size = llistxattr(path, value, sizeof(value));
	if (size < 0)
		return failed_errno();
	expect(size == 7 && memcmp(value, "user.n", 7) == 0);
	return 0;
}

static int call_readlink(int root, unsigned int n)
{
	char path[64], target[64], expected[64];
	ssize_t size;

	(void)snprintf(path, sizeof(path), "links/l%04u", n);
	(void)snprintf(expected, sizeof(expected), "to-%04u", n);
	size = readlinkat(root, path, target, sizeof(target));
	if (size < 0)
		return failed_errno();
	expect(size == 7 && memcmp(target, expected, 7) == 0);
	return 0;
}

static int call_list(int root, unsigned int n)
{
	int fd = openat(root, n % 2 ? "many" : "links", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	unsigned int count = 0;
	DIR *dir;
	int r;

	if (fd < 0)
		return failed_errno();
	dir = fdopendir(fd);
	expect(dir);
	errno = 0;
	while ((entry = readdir(dir))) {
		expect(entry->d_name[0] == '.' || entry->d_name[0] == (n % 2 ? 'f' : 'l'));
		count++;
		errno = 0;
	}
	r = errno ? -errno : 0;
	expect(r < 0 || count == MANY + 2);
	(void)closedir(dir);
	return r;
}

static int call_statvfs(int root, unsigned int n)
{
	struct statvfs facts;

	(void)n;
	if (fstatvfs(root, &facts) < 0)
		return failed_errno();
	expect(facts.f_namemax == 255);
	return 0;
}

/* Before the end there are no errors at all, but for calls that a signal has broken off. */
static void judge(int r)
{
	atomic_fetch_add(&calls, 1);
	if (r == 0 || r == -EINTR)
		return;
	if (atomic_load(&end_has_begun) &&
	    (r == -ENOTCONN || r == -ECONNABORTED || r == -ECONNREFUSED))
		return;
	if (atomic_load(&path_is_gone) && r == -ENOENT)
		return;
	errno = -r;
	expect_failed(__FILE__, __LINE__, "an error with a reason", stage);
}

static void call_some(int root, struct random *random)
{
	static int (*const kinds[])(int, unsigned int) = {
		call_stat,     call_absent,   call_read, call_read_object,
		call_getxattr, call_readlink, call_list, call_statvfs,
	};

	for (uint32_t left = 1 + random_below(random, 30); left; left--) {
		judge(kinds[random_below(random, 8)](root, random_below(random, MANY)));
		if (atomic_load(&clients_end))
			return;
	}
}

static void unblock(int signal)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, signal);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *client(void *argument)
{
	struct random random = {.state = (uint64_t)(uintptr_t)argument};

	unblock(SIGUSR1);
	unblock(SIGALRM);
	while (!atomic_load(&clients_end)) {
		int root = open("ours", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (root >= 0)
			call_some(root, &random);
		else
			judge(failed_errno());
		fd_close(root);
	}
	return NULL;
}

/* Helpers */

static void *interrupt_clients(void *argument)
{
	struct random random = {.state = (uint64_t)(uintptr_t)argument};

	while (!atomic_load(&helpers_end)) {
		struct timespec pause = {.tv_nsec = random_below(&random, 60000)};

		(void)pthread_kill(clients[random_below(&random, CLIENTS)], SIGUSR1);
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

/* The kernel forgets what nobody uses. */
static void *drop_caches(void *argument)
{
	struct random random = {.state = (uint64_t)(uintptr_t)argument};

	while (!atomic_load(&helpers_end)) {
		struct timespec pause = {.tv_nsec = 1000000 + random_below(&random, 20000000)};
		int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

		if (fd >= 0)
			(void)fd_write(fd, "2", 1);
		fd_close(fd);
		(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

static void abort_connection(void)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/mnt/test/ctl/%u/abort", storm.connection);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)fd_write(fd, "1", 1);
	fd_close(fd);
}

static pthread_mutex_t watch_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t watch_over = PTHREAD_COND_INITIALIZER;
static bool is_over; /* guarded by watch_lock */

/* A round that does not end is a failure with a reason. */
static void *watch(void *argument)
{
	struct timespec limit;
	int r = 0;

	(void)clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += WATCHDOG_SEC;
	(void)pthread_mutex_lock(&watch_lock);
	while (!is_over && r == 0)
		r = pthread_cond_timedwait(&watch_over, &watch_lock, &limit);
	(void)pthread_mutex_unlock(&watch_lock);
	if (r == 0)
		return argument;
	abort_connection(); /* or who waits for the server could not even be killed */
	expect_failed(__FILE__, __LINE__, "the round to end", stage);
}

static void watch_end(pthread_t watchdog)
{
	(void)pthread_mutex_lock(&watch_lock);
	is_over = true;
	(void)pthread_cond_signal(&watch_over);
	(void)pthread_mutex_unlock(&watch_lock);
	expect(pthread_join(watchdog, NULL) == 0);
	is_over = false;
}

static size_t entries_count(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	expect(dir);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

/* The server */

static void dump_make(struct buf *out)
{
	static const char time[] = "0 0 0 7.5";

	(void)buf_printf(out, "/ 0 40755 5 %s - - -\n/ext 0 40755 2 %s - - -\n", time, time);
	for (unsigned int i = 0; i < RANDOM_OBJECTS; i++)
		(void)buf_printf(out, "/ext/e%u %llu 100644 1 %s %s - -\n", i,
				 (unsigned long long)random_objects[i].size, time,
				 random_objects[i].path);
	(void)buf_printf(out, "/links 0 40755 2 %s - - -\n", time);
	for (unsigned int i = 0; i < MANY; i++)
		(void)buf_printf(out, "/links/l%04u 7 120777 1 %s to-%04u - -\n", i, time, i);
	(void)buf_printf(out, "/many 0 40755 2 %s - - -\n", time);
	for (unsigned int i = 0; i < MANY; i++)
		(void)buf_printf(out, "/many/f%04u 5 100644 1 %s - f%04u - user.n=n%04u\n", i, time,
				 i, i);
	(void)buf_append_byte(out, '\0');
}

static void view_make(void)
{
	struct view_config config = {
		.kind = VIEW_STANDALONE,
		.image = &storm.made.image,
		.object_fds = &storm.objects_fd,
		.object_fd_count = 1,
	};

	expect_ok(view_new(&config, &storm.view, &storm.why), &storm.why);
}

static void session_make(int device)
{
	struct fuse_config config = storm.transport->config;

	config.handlers = view_handlers(storm.view);
	config.fs = storm.view;
	config.opens_files = view_opens_files(storm.view);
	expect_ok(fuse_session_new(device, &config, &storm.session, &storm.why), &storm.why);
}

static void *serve(void *argument)
{
	unblock(SIGALRM);
	storm.result = fuse_session_run(storm.session, NULL, NULL, &storm.why);
	return argument;
}

/* Mount it at "ours"; returns the connection's descriptor. */
static int storm_mount(void)
{
	struct fuse_mount_options options = {
		.subtype = "lamina",
		.allow_other = true,
		.default_permissions = true,
	};
	int device, mount_fd, target;
	struct statx facts;

	device = fuse_device_open(&storm.why);
	if (device < 0)
		isolate_skip("fuse", storm.why.text);
	mount_fd = expect_ok(fuse_mount(device, &options, &storm.why), &storm.why);
	/* Nothing that asks the server. */
	expect(statx(mount_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &facts) == 0);
	storm.connection = facts.stx_dev_minor;
	target = expect_ok(mount_target_open("ours", &storm.why), &storm.why);
	expect_ok(mount_attach(mount_fd, target, &storm.why), &storm.why);
	fd_close(target);
	fd_close(mount_fd);
	return device;
}

/* In a process of its own, which can be killed. */
static void server_fork(int device)
{
	storm.server_pid = fork();
	expect(storm.server_pid >= 0);
	if (storm.server_pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		view_make();
		session_make(device);
		_exit(fuse_session_run(storm.session, NULL, NULL, NULL) < 0);
	}
	fd_close(device);
}

static void server_start(int device)
{
	view_make();
	session_make(device);
	expect(pthread_create(&storm.server, NULL, serve, NULL) == 0);
	storm.has_server = true;
}

/* Until it has ended by itself; then nothing of it is left. */
static void server_join(void)
{
	if (!storm.has_server)
		return;
	stage = "the server ends";
	expect(pthread_join(storm.server, NULL) == 0);
	fuse_session_free(storm.session);
	view_free(storm.view);
	storm.has_server = false;
	/* Of an abort by hand it tells. */
	if (storm.result < 0 && storm.result != -ECONNABORTED)
		(void)expect_ok(storm.result, &storm.why);
}

/* Ends */

static void clients_go_on(void)
{
	unsigned int until = atomic_load(&calls) + random_below(&storm.random, 100);

	stage = "clients meet the end";
	while (!atomic_load(&clients_end) && atomic_load(&calls) < until)
		(void)sched_yield();
}

/* For those who hold it busy, some tries; then they are told to leave. */
static void unmount(int flags)
{
	unsigned int tries = 0;

	stage = "unmounting";
	while (umount2("ours", flags) < 0) {
		expect(errno == EBUSY);
		if (++tries == 100)
			atomic_store(&clients_end, true);
		(void)sched_yield();
	}
}

static void end_by_unmount(void)
{
	atomic_store(&path_is_gone, true);
	unmount(0);
}

static void end_by_force(void)
{
	atomic_store(&path_is_gone, true);
	unmount(MNT_FORCE);
}

static void end_by_detaching(void)
{
	atomic_store(&path_is_gone, true);
	unmount(MNT_DETACH);
	clients_go_on();
}

static void end_by_abort(void)
{
	stage = "aborting";
	abort_connection();
	clients_go_on();
}

static void end_by_stop(void)
{
	stage = "stopping";
	fuse_session_stop(storm.session);
	server_join();
	expect(storm.result == 0);
	clients_go_on();
}

static void end_by_kill(void)
{
	int status;

	stage = "killing";
	expect(kill(storm.server_pid, SIGKILL) == 0);
	expect(waitpid(storm.server_pid, &status, 0) == storm.server_pid);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	clients_go_on();
}

/* Rounds */

static void on_signal(int signal)
{
	(void)signal;
}

static void set_timer(suseconds_t interval)
{
	struct itimerval timer = {.it_interval.tv_usec = interval, .it_value.tv_usec = interval};

	expect(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

static void wait_for_calls(size_t fds, size_t tasks)
{
	/* Often at once, before the first reply. */
	unsigned int until = random_below(&storm.random, random_below(&storm.random, 4) * 200 + 1);

	stage = "clients are served";
	do {
		expect(entries_count("/proc/self/fd") <= fds + FD_EXTRA_MAX);
		expect(entries_count("/proc/self/task") <= tasks + TASK_EXTRA_MAX);
		(void)sched_yield();
	} while (atomic_load(&calls) < until);
}

/* A thread that was joined may have some steps to go in the kernel. */
static void expect_settled(size_t fds, size_t tasks)
{
	stage = "threads and descriptors are gone";
	while (entries_count("/proc/self/task") > tasks)
		(void)sched_yield();
	expect(entries_count("/proc/self/fd") == fds);
}

static void *thread_argument(void)
{
	return (void *)(uintptr_t)random_next(&storm.random);
}

static pthread_t helpers[2];

static void users_start(void)
{
	for (int i = 0; i < CLIENTS; i++)
		expect(pthread_create(&clients[i], NULL, client, thread_argument()) == 0);
	expect(pthread_create(&helpers[0], NULL, interrupt_clients, thread_argument()) == 0);
	expect(pthread_create(&helpers[1], NULL, drop_caches, thread_argument()) == 0);
	set_timer(random_chance(&storm.random, 50) ? 700 : 0);
}

static void users_join(void)
{
	stage = "clients leave";
	atomic_store(&clients_end, true);
	atomic_store(&helpers_end, true);
	for (int i = 0; i < 2; i++) /* before the clients, which one of them signals */
		expect(pthread_join(helpers[i], NULL) == 0);
	for (int i = 0; i < CLIENTS; i++)
		expect(pthread_join(clients[i], NULL) == 0);
	set_timer(0);
}

static void run_round(void (*end)(void), bool is_forked)
{
	size_t fds = entries_count("/proc/self/fd"), tasks = entries_count("/proc/self/task");
	bool is_idle = random_chance(&storm.random, 25); /* nothing comes to wake the server */
	pthread_t watchdog;

	atomic_store(&end_has_begun, false);
	atomic_store(&path_is_gone, false);
	atomic_store(&clients_end, false);
	atomic_store(&helpers_end, false);
	atomic_store(&calls, 0);
	stage = "starting";
	if (is_forked)
		server_fork(storm_mount());
	else
		server_start(storm_mount());
	expect(pthread_create(&watchdog, NULL, watch, NULL) == 0);
	users_start();
	wait_for_calls(fds, tasks);
	if (is_idle)
		users_join();
	atomic_store(&end_has_begun, true);
	end();
	if (!is_idle)
		users_join();
	if (!atomic_load(&path_is_gone))
		unmount(0);
	server_join();
	expect_settled(fds, tasks + 1);
	watch_end(watchdog);
}

static void (*body_end)(void);

static unsigned int number_from(const char *variable, unsigned int otherwise)
{
	const char *text = getenv(variable);

	return text ? (unsigned int)strtoul(text, NULL, 10) : otherwise;
}

static void set_up_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal}; /* not restarting */
	sigset_t set;

	expect(sigaction(SIGUSR1, &action, NULL) == 0);
	expect(sigaction(SIGALRM, &action, NULL) == 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGALRM);
	expect(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
}

static void *do_nothing(void *argument)
{
	return argument;
}

/* A sanitizer starts a thread of its own together with the first. */
static void start_first_thread(void)
{
	pthread_t thread;

	expect(pthread_create(&thread, NULL, do_nothing, NULL) == 0);
	expect(pthread_join(thread, NULL) == 0);
}

static void body_storm(void)
{
	unsigned int rounds = number_from("LAMINA_STORM_ROUNDS", ROUNDS_DEFAULT);
	struct buf dump = {0};

	expect(chdir(isolate_dir) == 0);
	expect(mkdir("ours", 0755) == 0 && mkdir("objects", 0755) == 0 && mkdir("ctl", 0755) == 0);
	if (mount("none", "ctl", "fusectl", 0, NULL) < 0)
		isolate_skip("fuse", "cannot mount fusectl");
	set_up_signals();
	start_first_thread();
	storm = (struct storm){.random.state = number_from("LAMINA_STORM_SEED", 1)};
	storm.objects_fd = open("objects", O_PATH | O_DIRECTORY | O_CLOEXEC);
	random_objects_make(storm.objects_fd);
	dump_make(&dump);
	made_open(&storm.made, (const char *)dump.data);
	buf_release(&dump);
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		storm.transport = &transports[i];
		for (unsigned int round = 0; round < rounds; round++)
			run_round(body_end, body_end == end_by_kill);
	}
	made_release(&storm.made);
	fd_close(storm.objects_fd);
	expect(umount2("ctl", 0) == 0);
	expect(chdir("/") == 0);
}

static void run_storm(void (*end)(void))
{
	body_end = end;
	isolated(AS_ROOT, body_storm);
}

static void an_unmount_may_come_at_any_moment(void **state)
{
	(void)state;
	run_storm(end_by_unmount);
}

static void a_forced_unmount_may_come_at_any_moment(void **state)
{
	(void)state;
	run_storm(end_by_force);
}

static void a_lazy_unmount_may_come_at_any_moment(void **state)
{
	(void)state;
	run_storm(end_by_detaching);
}

static void an_abort_may_come_at_any_moment(void **state)
{
	(void)state;
	run_storm(end_by_abort);
}

static void a_stop_may_come_at_any_moment(void **state)
{
	(void)state;
	run_storm(end_by_stop);
}

static void the_servers_death_may_come_at_any_moment(void **state)
{
	(void)state;
	run_storm(end_by_kill);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unmount_may_come_at_any_moment),
		cmocka_unit_test(a_forced_unmount_may_come_at_any_moment),
		cmocka_unit_test(a_lazy_unmount_may_come_at_any_moment),
		cmocka_unit_test(an_abort_may_come_at_any_moment),
		cmocka_unit_test(a_stop_may_come_at_any_moment),
		cmocka_unit_test(the_servers_death_may_come_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
