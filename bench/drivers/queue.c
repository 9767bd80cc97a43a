/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * What one queue of /dev/fuse is good for with two clients (docs/decisions/0006): the smallest
 * server (tiny.h), a thread of it and a client pinned to each of the first two CPUs.
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
#include "tiny.h"

#include <err.h>
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUESTS 100000 /* each client */
#define CLIENTS_MAX 2

static const struct tiny tiny = {.readahead = TINY_BUFFER_SIZE};

struct server {
	int fd;
	int cpu;
	bool polls;
	pthread_t thread;
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

static void *serve(void *argument)
{
	static _Thread_local char buffer[TINY_BUFFER_SIZE];
	const struct server *server = argument;

	pin(server->cpu);
	for (;;) {
		if (!tiny_step(&tiny, server->fd, buffer, NULL) && server->polls)
			(void)sched_yield();
	}
	return NULL;
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
	servers[0].fd = tiny_mount(folders[0], &tiny);
	servers[1].fd = has_two                     ? tiny_mount(folders[1], &tiny)
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
	for (int i = 0; i < (has_two ? CLIENTS_MAX : 1); i++)
		tiny_unmount(folders[i]);
	if (!is_good)
		errx(1, "a client failed");
	result_print(longest, (struct tally){.count = clients * REQUESTS});
	(void)fflush(stdout);
	_exit(EXIT_SUCCESS); /* the threads are not waited for */
}
