/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * server_log.h - where a server tells what is wrong
 *
 * In the foreground that is stderr; else the system's log, by a socket that is connected before the
 * server leaves its starter's file system. Without one nothing is said.
 */
#ifndef LAMINA_OPS_SERVER_LOG_H
#define LAMINA_OPS_SERVER_LOG_H

#include <stdbool.h>

struct server_log {
	int fd; /* owned; -1: stderr, or nowhere */
	bool to_stderr;
};

#define SERVER_LOG_NONE ((struct server_log){.fd = -1})

void server_log_open(struct server_log *ret, bool to_stderr);
void server_log_close(struct server_log *log);

/* One line, as view_config's report takes it: log is a struct server_log. Any thread. */
void server_log_say(void *log, const char *message);

#endif
