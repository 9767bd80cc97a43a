/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * timed COMMAND [ARGUMENT...]: run a command to its end
 *
 * "bytes" is the peak memory of it and its children. A process keeps the peak of the one it was
 * forked from: it is started from here, not from a large interpreter. Its stdout goes to stderr.
 */
#include "driver.h"

#include <err.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	double begin;
	pid_t pid;
	int status;

	if (argc < 2)
		errx(2, "usage: timed COMMAND [ARGUMENT...]");
	begin = seconds_now();
	pid = command_start(argv + 1);
	if (wait4(pid, &status, 0, &usage) != pid || status)
		errx(1, "'%s' failed", argv[1]);
	result_print(seconds_now() - begin,
		     (struct tally){.bytes = (uint64_t)usage.ru_maxrss * 1024});
	return 0;
}
