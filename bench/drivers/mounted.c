/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mounted FILE COMMAND [ARGUMENT...]: run a command that mounts; the clock stops when FILE answers
 *
 * FILE is one inside the mount, which is not there before. A command that puts itself into the
 * background before its mount is there is waited for. What it prints is passed on to stderr.
 */
#include "driver.h"

#include <err.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_SECONDS 10
#define POLL_NANOSECONDS 50000

int main(int argc, char **argv)
{
	static const struct timespec pause = {.tv_nsec = POLL_NANOSECONDS};
	struct stat st;
	double begin;
	pid_t pid;
	int status;

	if (argc < 3)
		errx(2, "usage: mounted FILE COMMAND [ARGUMENT...]");
	if (!lstat(argv[1], &st))
		errx(1, "'%s' is there before the mount", argv[1]);
	begin = seconds_now();
	pid = command_start(argv + 2);
	if (waitpid(pid, &status, 0) != pid || status)
		errx(1, "'%s' failed", argv[2]);
	while (lstat(argv[1], &st)) {
		if (seconds_now() - begin > WAIT_SECONDS)
			err(1, "'%s' does not answer", argv[1]);
		nanosleep(&pause, NULL);
	}
	result_print(seconds_now() - begin, (struct tally){.count = 1});
	return 0;
}
