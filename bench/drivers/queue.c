/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * What one queue of /dev/fuse is good for with two clients (docs/decisions/0006): the smallest
 * server that answers a stat, a thread of it and a client pinned to each of the first two CPUs.
 *
 *   bench-queue one|wait|poll|clone|two CLIENTS     as root, or root of a user and mount namespace
 *
 *   one     one thread, on CPU 0
 *   wait    a thread a CPU, both wait in read(2)
 *   poll    both poll and yield
 *   clone   the same, with a descriptor each (FUSE_DEV_IOC_CLONE)
 *   two     a mount for each client: what two queues would be good for
 */
#include "driver.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUESTS 100000 /* each client */
#define CLIENTS_MAX 2
#define BUFFER_SIZE (1 << 17)
#define FOREVER_S 3600

struct server {
	int fd;
	int cpu;
	bool polls;
	pthread_t thread;
};

struct reply {
	struct fuse_out_header head;
	union {
		struct fuse_init_out init;
		struct fuse_entry_out entry;
		struct fuse_attr_out attr;
	} body;
};

/* Shared with the clients. */
struct start {
	atomic_uint ready_count;
	atomic_bool is_go;
	double seconds[CLIENTS_MAX];
};

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		err(1, "cannot use CPU %d", cpu);
}

static struct fuse_attr attr_of(uint64_t node)
{
	return (struct fuse_attr){.ino = node,
				  .mode = node == FUSE_ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
				  .nlink = 1};
}

/* Gives the size of the body. Names stay known; attributes are asked for each time. */
static size_t answer(const char *request, struct reply *reply)
{
	struct fuse_in_header in;

	memcpy(&in, request, sizeof(in));
	*reply = (struct reply){.head.unique = in.unique};
	switch (in.opcode) {
	case FUSE_INIT:
		reply->body.init = (struct fuse_init_out){.major = FUSE_KERNEL_VERSION,
							  .minor = 31,
							  .max_write = 65536,
							  .max_background = 64};
		return sizeof(reply->body.init);
	case FUSE_LOOKUP:
		reply->body.entry.nodeid = (uint64_t)(2 + request[sizeof(in)] - '0');
		reply->body.entry.entry_valid = FOREVER_S;
		reply->body.entry.attr = attr_of(reply->body.entry.nodeid);
		return sizeof(reply->body.entry);
	case FUSE_GETATTR:
		reply->body.attr.attr = attr_of(in.nodeid);
		return sizeof(reply->body.attr);
	default:
		reply->head.error = -ENOSYS;
		return 0;
	}
}

/* Returns false when nothing was there; ends the thread with the connection. */
static bool step(int fd, char *buffer)
{
	ssize_t size = read(fd, buffer, BUFFER_SIZE);
	struct fuse_in_header in;
	struct reply reply;

	if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOENT))
		return false;
	if (size < (ssize_t)sizeof(in))
		pthread_exit(NULL);
	memcpy(&in, buffer, sizeof(in));
	if (in.opcode == FUSE_FORGET || in.opcode == FUSE_BATCH_FORGET ||
	    in.opcode == FUSE_INTERRUPT)
		return true;
	reply.head.len = (uint32_t)(sizeof(reply.head) + answer(buffer, &reply));
	reply.head.len = reply.head.error ? sizeof(reply.head) : reply.head.len;
	if (write(fd, &reply, reply.head.len) < 0 && errno != ENOENT)
		pthread_exit(NULL);
	return true;
}

static void *serve(void *argument)
{
	static _Thread_local char buffer[BUFFER_SIZE];
	const struct server *server = argument;

	pin(server->cpu);
	for (;;) {
		if (!step(server->fd, buffer) && server->polls)
			(void)sched_yield();
	}
	return NULL;
}

static int mount_at(const char *path)
{
	static char buffer[BUFFER_SIZE];
	char options[128];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	(void)mkdir(path, 0755);
	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || mount("queue", path, "fuse.queue", 0, options) < 0)
		err(1, "cannot mount at '%s'", path);
	(void)step(fd, buffer); /* FUSE_INIT */
	return fd;
}

static int clone_of(int fd)
{
	uint32_t from = (uint32_t)fd;
	int clone = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (clone < 0 || ioctl(clone, FUSE_DEV_IOC_CLONE, &from) < 0)
		err(1, "cannot clone the descriptor");
	return clone;
}

static void ask(const char *folder, int index, struct start *start)
{
	char path[64];
	struct stat stat;
	double begin;
	int fd;

	pin(index);
	(void)snprintf(path, sizeof(path), "%s/%d", folder, index);
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		err(1, "cannot open '%s'", path);
	atomic_fetch_add(&start->ready_count, 1);
	while (!atomic_load(&start->is_go))
		(void)sched_yield();
	begin = seconds_now();
	for (int i = 0; i < REQUESTS; i++) {
		if (fstatat(fd, "", &stat, AT_EMPTY_PATH) < 0)
			err(1, "cannot stat '%s'", path);
	}
	start->seconds[index] = seconds_now() - begin;
	_exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	static char folders[CLIENTS_MAX][32] = {"/tmp/bench-queue-0", "/tmp/bench-queue-1"};
	const char *way = argc == 3 ? argv[1] : "";
	unsigned int clients = argc == 3 ? number_parse(argv[2], CLIENTS_MAX) : 0;
	bool has_two = strcmp(way, "two") == 0, is_one = strcmp(way, "one") == 0;
	bool polls = strcmp(way, "poll") == 0 || strcmp(way, "clone") == 0;
	struct server servers[CLIENTS_MAX] = {0};
	struct start *start;
	double longest = 0;
	bool is_good = true;

	if (clients < 1 || !(has_two || is_one || polls || strcmp(way, "wait") == 0))
		errx(2, "usage: bench-queue one|wait|poll|clone|two 1|2");
	start = mmap(NULL, sizeof(*start), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (start == MAP_FAILED)
		err(1, "cannot map memory");
	servers[0].fd = mount_at(folders[0]);
	servers[1].fd = has_two                     ? mount_at(folders[1])
			: strcmp(way, "clone") == 0 ? clone_of(servers[0].fd)
						    : servers[0].fd;
	for (int i = 0; i < (is_one ? 1 : CLIENTS_MAX); i++) {
		servers[i].cpu = i;
		servers[i].polls = polls;
		if (polls)
			(void)fcntl(servers[i].fd, F_SETFL, O_NONBLOCK);
		if (pthread_create(&servers[i].thread, NULL, serve, &servers[i]))
			errx(1, "cannot start a thread");
	}
	for (unsigned int i = 0; i < clients; i++) {
		if (fork() == 0)
			ask(folders[has_two ? i : 0], (int)i, start);
	}
	while (atomic_load(&start->ready_count) < clients)
		(void)usleep(1000);
	atomic_store(&start->is_go, true);
	for (unsigned int i = 0; i < clients; i++) {
		int status;

		is_good &= wait(&status) > 0 && status == 0;
		longest = start->seconds[i] > longest ? start->seconds[i] : longest;
	}
	for (int i = 0; i < (has_two ? CLIENTS_MAX : 1); i++) {
		(void)umount2(folders[i], MNT_DETACH);
		(void)rmdir(folders[i]);
	}
	if (!is_good)
		errx(1, "a client failed");
	result_print(longest, (struct tally){.count = clients * REQUESTS});
	(void)fflush(stdout);
	_exit(EXIT_SUCCESS); /* the threads are not waited for */
}
