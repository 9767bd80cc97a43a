/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <stdio.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "cli/command.h"
#include "cli/report.h"
#include "ops/container_hook.h"

/* The container's state comes by stdin: crun fails when nobody reads it. */
static void state_drain(void)
{
	char part[4096];

	while (fd_read(STDIN_FILENO, part, sizeof(part)) > 0)
		;
}

int container_hook_main(int argc, char **argv)
{
	struct diag why = {0};
	int r;

	if (argc != 2) {
		(void)fputs("usage: " CONTAINER_HOOK_NAME " ROOT\n", stderr);
		return STATUS_USAGE;
	}
	state_drain();
	r = container_hook(argv[1], &why);
	return r < 0 ? report_failure(r, &why, "make the container") : STATUS_DONE;
}
