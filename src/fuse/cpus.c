/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/cpus.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "fuse/session.h"

/* More than any kernel is built for. */
#define POSSIBLE_MAX 65535u

/* Longer paths of groups are cut, and so not found: no limit is seen then. */
#define CGROUP_PATH_MAX 4096

/* The first bytes of a file as a C string; "" when there is none. */
static void text_read(const char *path, char *text, size_t size)
{
	CLEAN(fd_closep) int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : fd_read(fd, text, size - 1);

	text[got > 0 ? got : 0] = '\0';
}

/*
 * A list of ranges in order, such as "0-3,8-11". The kernel has a queue for each possible CPU, by
 * its number: with gaps, it refuses what is registered beyond, and /dev/fuse goes on.
 */
unsigned int fuse_queue_count(void)
{
	char text[256], *last = text;
	unsigned long number;

	text_read("/sys/devices/system/cpu/possible", text, sizeof(text));
	if (text[0] == '\0')
		return 0;
	for (char *at = text; *at; at++) {
		if (*at == '-' || *at == ',')
			last = at + 1;
	}
	number = strtoul(last, NULL, 10);
	return number < POSSIBLE_MAX ? (unsigned int)number + 1 : 0;
}

/* Up to the root, as far as it can be seen: a quota is a number, "max" or "-1" is none. */
static bool group_is_limited(const char *root, char *group, const char *file)
{
	char path[CGROUP_PATH_MAX], text[64];

	for (;;) {
		char *end = strrchr(group, '/');

		(void)snprintf(path, sizeof(path), "%s%s/%s", root, group, file);
		text_read(path, text, sizeof(text));
		if (text[0] >= '0' && text[0] <= '9')
			return true;
		if (!end)
			return false;
		*end = '\0';
	}
}

/* A line is "NUMBER:CONTROLLERS:/PATH" (cgroups(7)); version 2 has no controllers. */
static bool line_is_limited(const char *root, char *line)
{
	char *controllers = strchr(line, ':'), *group;
	char below[CGROUP_PATH_MAX];

	group = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!group)
		return false;
	*controllers++ = '\0';
	*group++ = '\0';
	if (*controllers == '\0')
		return group_is_limited(root, group, "cpu.max");
	if (strcmp(controllers, "cpu") != 0 && strcmp(controllers, "cpu,cpuacct") != 0)
		return false;
	(void)snprintf(below, sizeof(below), "%s/cpu", root);
	return group_is_limited(below, group, "cpu.cfs_quota_us");
}

bool cgroup_is_limited(const char *root, char *text)
{
	while (*text) {
		char *line = text;

		text += strcspn(text, "\n");
		if (*text)
			*text++ = '\0';
		if (line_is_limited(root, line))
			return true;
	}
	return false;
}

bool fuse_may_spin(void)
{
	char text[CGROUP_PATH_MAX];

	if (sysconf(_SC_NPROCESSORS_ONLN) > CPUS_FEW_MAX)
		return false;

	text_read("/proc/self/cgroup", text, sizeof(text));
	return !cgroup_is_limited("/sys/fs/cgroup", text);
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

unsigned int cpus_if_few(int cpus[CPUS_FEW_MAX])
{
	int found[CPUS_FEW_MAX + 1];
	unsigned int count = cpus_usable(found, CPUS_FEW_MAX + 1);

	if (count < 2 || count > CPUS_FEW_MAX)
		return 0;
	memcpy(cpus, found, count * sizeof(found[0]));
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
