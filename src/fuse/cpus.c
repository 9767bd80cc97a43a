/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/cpus.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "fuse/session.h"

/* More than any kernel is built for. */
#define POSSIBLE_MAX 65535u

/* A list of ranges in order, such as "0-3,8-11": the kernel's queues go up to the last number. */
unsigned int fuse_queue_count(void)
{
	CLEAN(fd_closep)
	int fd = openat(AT_FDCWD, "/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
	char text[256], *last = text;
	unsigned long number;
	ssize_t size;

	if (fd < 0)
		return 0;
	size = fd_read(fd, text, sizeof(text) - 1);
	if (size <= 0)
		return 0;
	text[size] = '\0';
	for (char *at = text; *at; at++) {
		if (*at == '-' || *at == ',')
			last = at + 1;
	}
	number = strtoul(last, NULL, 10);
	return number < POSSIBLE_MAX ? (unsigned int)number + 1 : 0;
}

unsigned int cpus_usable(int *cpus, unsigned int max)
{
	unsigned int count = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE && count < max; cpu++) {
		if (CPU_ISSET((size_t)cpu, &set))
			cpus[count++] = cpu;
	}
	return count;
}

void cpus_release(const int *cpus, unsigned int count)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned int i = 0; i < count; i++)
		CPU_SET((size_t)cpus[i], &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

void cpu_pin(int cpu)
{
	cpus_release(&cpu, 1);
}
