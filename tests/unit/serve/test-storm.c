/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A mount under load, whose end comes at any moment and in any way. What a call says is right, or
 * it is an error that the end explains; nobody hangs; nothing is left open or running.
 *
 * LAMINA_STORM_ROUNDS (4) is how many for each end and transport, LAMINA_STORM_SEED (1) what
 * chance starts from, as far as threads leave anything to that; LAMINA_STORM_ONLY is a pattern of
 * case names.
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
#include <sys/sysinfo.h>
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
/* Of the server, and one more of each for every CPU. */
#define FDS_MAX 62 /* its own few, and objects that clients have open */
#define TASKS_MAX 14
#define WATCHDOG_SEC 30

/* Each row runs all of it once more. */
static const struct transport {
	const char *name;
	struct fuse_config config;
} transports[] = {
	{"one thread", {.transport = FUSE_TRANSPORT_DEVICE, .thread_count = 1}},
	{"three threads", {.transport = FUSE_TRANSPORT_DEVICE, .thread_count = 3}},
	{"opening", {.transport = FUSE_TRANSPORT_DEVICE, .thread_count = 3, .opens_files = true}},
	{"passthrough", {.transport = FUSE_TRANSPORT_DEVICE, .passes_through = true}},
	{"io_uring", {.transport = FUSE_TRANSPORT_RING}},
};

struct storm {
	const struct transport *transport;
	struct made made;
	struct view *view;
	struct fuse_session *session;
	/* A process of its own: one that waits for itself cannot even be killed. 0: it has ended */
	_Atomic pid_t server;
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

/* Or who waits for an answer could not even be killed. */
static void let_go(void)
{
	abort_connection();
	if (storm.server > 0)
		(void)kill(storm.server, SIGKILL);
}

#undef expect
#define expect(condition)                                                    \
	do {                                                                 \
		if (!(condition)) {                                          \
			let_go();                                            \
			expect_failed(__FILE__, __LINE__, #condition, NULL); \
		}                                                            \
	} while (0)

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
	/* On its way to a ring whose thread is no more (Linux 6.18, fs/fuse/dev_uring.c). */
	if (atomic_load(&end_has_begun) && r == -ECANCELED &&
	    storm.transport->config.transport == FUSE_TRANSPORT_RING)
		return;
	let_go();
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

static void set_blocked(int how, int signal)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, signal);
	expect(pthread_sigmask(how, &set, NULL) == 0);
}

static void *client(void *argument)
{
	struct random random = {.state = (uint64_t)(uintptr_t)argument};

	set_blocked(SIG_UNBLOCK, SIGUSR1);
	set_blocked(SIG_UNBLOCK, SIGALRM);
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
	let_go();
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

	config.queue_count = fuse_queue_count();
	config.keeps_awake = true;
	config.handlers = view_handlers(storm.view);
	config.fs = storm.view;
	expect_ok(fuse_session_new(device, &config, &storm.session, &storm.why), &storm.why);
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

static void on_stop(int signal)
{
	(void)signal;
	fuse_session_stop(storm.session);
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

/* A thread that was joined may have some steps to go in the kernel. */
static void expect_settled(size_t fds, size_t tasks)
{
	while (directory_count("/proc/self/task") > tasks)
		(void)sched_yield();
	expect(directory_count("/proc/self/fd") == fds);
}

static void set_timer(suseconds_t interval)
{
	struct itimerval timer = {.it_interval.tv_usec = interval, .it_value.tv_usec = interval};

	expect(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* SIGTERM is a request to stop, as soon as there is something to stop. */
static _Noreturn void server_run(int device, bool has_timer)
{
	const struct sigaction stop = {.sa_handler = on_stop};
	size_t fds, tasks;
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	storm.server = 0;
	start_first_thread();
	fds = directory_count("/proc/self/fd") - 1; /* the device will be gone */
	tasks = directory_count("/proc/self/task");
	view_make();
	session_make(device);
	expect(sigaction(SIGTERM, &stop, NULL) == 0);
	set_blocked(SIG_UNBLOCK, SIGTERM);
	set_blocked(SIG_UNBLOCK, SIGALRM);
	set_timer(has_timer ? 700 : 0);
	r = fuse_session_run(storm.session, NULL, NULL, &storm.why);
	set_timer(0);
	set_blocked(SIG_BLOCK, SIGTERM);
	if (r < 0 && r != -ECONNABORTED) /* of an abort by hand it tells */
		(void)expect_ok(r, &storm.why);
	fuse_session_free(storm.session);
	view_free(storm.view);
	expect_settled(fds, tasks);
	made_release(&storm.made);
	exit(0); /* not _exit(): the leak checker looks here */
}

static void server_start(int device)
{
	bool has_timer = random_chance(&storm.random, 50);

	set_blocked(SIG_BLOCK, SIGTERM);
	storm.server = fork();
	expect(storm.server >= 0);
	if (storm.server == 0)
		server_run(device, has_timer);
	fd_close(device);
}

/* Until it has ended by itself; then nothing of it is left. */
static void server_join(void)
{
	int status;

	if (!storm.server)
		return;
	stage = "the server ends";
	expect(waitpid(storm.server, &status, 0) == storm.server);
	storm.server = 0;
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
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
	expect(kill(storm.server, SIGTERM) == 0);
	server_join();
	clients_go_on();
}

static void end_by_kill(void)
{
	int status;

	stage = "killing";
	expect(kill(storm.server, SIGKILL) == 0);
	expect(waitpid(storm.server, &status, 0) == storm.server);
	storm.server = 0;
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	clients_go_on();
}

/* Rounds */

static void on_signal(int signal)
{
	(void)signal;
}

static size_t server_count(const char *what)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", storm.server, what);
	return directory_count(path);
}

static void wait_for_calls(void)
{
	/* Often at once, before the first reply. */
	unsigned int until = random_below(&storm.random, random_below(&storm.random, 4) * 200 + 1);
	size_t cpus = (size_t)get_nprocs();

	stage = "clients are served";
	do {
		expect(server_count("fd") <= FDS_MAX + cpus);
		expect(server_count("task") <= TASKS_MAX + cpus);
		(void)sched_yield();
	} while (atomic_load(&calls) < until);
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

static void run_round(void (*end)(void))
{
	bool is_idle = random_chance(&storm.random, 25); /* nothing comes to wake the server */
	pthread_t watchdog;

	atomic_store(&end_has_begun, false);
	atomic_store(&path_is_gone, false);
	atomic_store(&clients_end, false);
	atomic_store(&helpers_end, false);
	atomic_store(&calls, 0);
	stage = "starting";
	server_start(storm_mount());
	expect(pthread_create(&watchdog, NULL, watch, NULL) == 0);
	users_start();
	wait_for_calls();
	if (is_idle)
		users_join();
	atomic_store(&end_has_begun, true);
	end();
	if (!is_idle)
		users_join();
	if (!atomic_load(&path_is_gone))
		unmount(0);
	server_join();
	watch_end(watchdog);
}

static const struct storm_end {
	const char *name;
	void (*end)(void);
} ends[] = {
	{"an unmount", end_by_unmount},
	{"a forced unmount", end_by_force},
	{"a lazy unmount", end_by_detaching},
	{"an abort", end_by_abort},
	{"a stop", end_by_stop},
	{"the server's death", end_by_kill},
};

#define ENDS (sizeof(ends) / sizeof(ends[0]))
#define TRANSPORTS (sizeof(transports) / sizeof(transports[0]))

struct storm_case {
	const struct storm_end *end;
	const struct transport *transport;
	char name[80];
};

static const struct storm_case *body_case;

static unsigned int number_from(const char *variable, unsigned int otherwise)
{
	const char *text = getenv(variable);

	return text ? (unsigned int)strtoul(text, NULL, 10) : otherwise;
}

static void set_up_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal}; /* not restarting */

	expect(sigaction(SIGUSR1, &action, NULL) == 0);
	expect(sigaction(SIGALRM, &action, NULL) == 0);
	set_blocked(SIG_BLOCK, SIGUSR1);
	set_blocked(SIG_BLOCK, SIGALRM);
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
	storm = (struct storm){.random.state = number_from("LAMINA_STORM_SEED", 1)};
	storm.objects_fd = open("objects", O_PATH | O_DIRECTORY | O_CLOEXEC);
	random_objects_make(storm.objects_fd);
	dump_make(&dump);
	made_open(&storm.made, (const char *)dump.data);
	buf_release(&dump);
	storm.transport = body_case->transport;
	for (unsigned int round = 0; round < rounds; round++)
		run_round(body_case->end->end);
	made_release(&storm.made);
	fd_close(storm.objects_fd);
	expect(umount2("ctl", 0) == 0);
	expect(chdir("/") == 0);
}

static void may_come_at_any_moment(void **state)
{
	body_case = *state;
	need("uring",
	     body_case->transport->config.transport != FUSE_TRANSPORT_RING || uring_is_enabled(),
	     "the kernel does not offer it (/sys/module/fuse/parameters/enable_uring)");
	isolated(AS_ROOT, body_storm);
}

int main(void)
{
	static struct storm_case cases[ENDS * TRANSPORTS];
	struct CMUnitTest tests[ENDS * TRANSPORTS];

	for (size_t i = 0; i < ENDS * TRANSPORTS; i++) {
		cases[i].end = &ends[i / TRANSPORTS];
		cases[i].transport = &transports[i % TRANSPORTS];
		(void)snprintf(cases[i].name, sizeof(cases[i].name),
			       "%s may come at any moment, with %s", cases[i].end->name,
			       cases[i].transport->name);
		tests[i] = (struct CMUnitTest){
			.name = cases[i].name,
			.test_func = may_come_at_any_moment,
			.initial_state = &cases[i],
		};
	}
	if (getenv("LAMINA_STORM_ONLY"))
		cmocka_set_test_filter(getenv("LAMINA_STORM_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
