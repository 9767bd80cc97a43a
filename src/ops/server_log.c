/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/server_log.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/fd.h"

#define LINE_SIZE_MAX 2048

void server_log_open(struct server_log *ret, bool to_stderr)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};

	*ret = (struct server_log){.fd = -1, .to_stderr = to_stderr};
	if (to_stderr)
		return;
	ret->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ret->fd >= 0 &&
	    connect(ret->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		fd_closep(&ret->fd);
}

void server_log_close(struct server_log *log)
{
	fd_closep(&log->fd);
}

void server_log_say(void *context, const char *message)
{
	const struct server_log *log = context;
	char line[LINE_SIZE_MAX];

	if (log->to_stderr) {
		(void)fprintf(stderr, "lamina: %s\n", message);
		return;
	}
	if (log->fd < 0)
		return;
	/* RFC 3164, section 4.1, as syslog(3) sends it: without a time, which the receiver adds. */
	(void)snprintf(line, sizeof(line), "<%d>lamina[%d]: %s", LOG_DAEMON | LOG_ERR,
		       (int)getpid(), message);
	/* A log that is full or gone must not stop anybody from reading files. */
	(void)send(log->fd, line, strlen(line), MSG_NOSIGNAL);
}
