/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/mount_foreground.h"

#include <sys/wait.h>

#include "ops/mount.h"
#include "ops/server.h"

void foreground_begin(sigset_t *ret)
{
	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGINT);
	(void)sigaddset(ret, SIGTERM);
	(void)sigaddset(ret, SIGHUP);
	(void)sigaddset(ret, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, ret, NULL);
}

int foreground_wait(pid_t server_pid, const char *target, const sigset_t *signals, struct diag *why)
{
	for (;;) {
		siginfo_t child = {0};
		int signal;

		if (waitid(P_PID, (id_t)server_pid, &child, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    child.si_pid == server_pid)
			break;
		signal = sigwaitinfo(signals, NULL);
		if (signal > 0 && signal != SIGCHLD)
			(void)unmount_image(target, true, NULL);
	}
	return server_wait(server_pid, why);
}
