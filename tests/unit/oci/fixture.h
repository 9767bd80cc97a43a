/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fixture.h - a web server of tests/tools/http-fixture.py for the tests of one file
 */
#ifndef LAMINA_TESTS_OCI_FIXTURE_H
#define LAMINA_TESTS_OCI_FIXTURE_H

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	pid_t pid;
	int talk; /* the server ends when this does */
	int port;
};

/* Run words (the server's script and what follows it), and wait for its port. */
static inline struct fixture fixture_start(const char *const *words)
{
	struct fixture fixture = {0};
	int in[2], out[2];
	char text[16] = "";
	size_t size = 0;

	assert_int_equal(0, pipe2(in, O_CLOEXEC));
	assert_int_equal(0, pipe2(out, O_CLOEXEC));
	fixture.pid = fork();
	assert_true(fixture.pid >= 0);
	if (fixture.pid == 0) {
		/* A test that crashes leaves nobody behind. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1)
			(void)execvp(words[0], (char *const *)words);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	fixture.talk = in[1];
	while (size < sizeof(text) - 1 && read(out[0], text + size, 1) == 1 && text[size] != '\n')
		size++;
	(void)close(out[0]);
	fixture.port = (int)strtol(text, NULL, 10);
	if (fixture.port <= 0)
		fail_msg("%s %s did not start", words[0], words[1]);
	return fixture;
}

static inline void fixture_stop(struct fixture *fixture)
{
	if (fixture->pid <= 0)
		return;
	(void)close(fixture->talk);
	(void)kill(fixture->pid, SIGTERM);
	while (waitpid(fixture->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*fixture = (struct fixture){0};
}

/* Byte at of what the server calls its pattern. */
static inline uint8_t fixture_byte(uint64_t at)
{
	return (uint8_t)(((at & 0xffff) * 2654435761ULL) >> 13);
}

#endif
