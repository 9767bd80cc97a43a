/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * cpus.h - the CPUs of this process
 */
#ifndef LAMINA_FUSE_CPUS_H
#define LAMINA_FUSE_CPUS_H

#include <stdbool.h>

/*
 * What makes bursts cheap is for machines of two to so many CPUs: with more, a burst of one client
 * would keep more of them busy than its work is worth, and with one there is no other to be sent
 * to.
 */
#define CPUS_FEW_MAX 4

/* The CPUs that the calling thread may use, in order; 0 of them unless they are few. */
unsigned int cpus_if_few(int cpus[CPUS_FEW_MAX]);

/* The CPUs that the calling thread may use, in order, up to max. Returns how many. */
unsigned int cpus_usable(int *cpus, unsigned int max);

/* Whether the groups of text, as of /proc/self/cgroup, have a quota below root. Changes text. */
bool cgroup_is_limited(const char *root, char *text);

/* Run the calling thread there only. Where that is refused it runs anywhere, a bit slower. */
void cpu_pin(int cpu);

/* Let the calling thread run on any of these again. */
void cpus_release(const int *cpus, unsigned int count);

#endif
