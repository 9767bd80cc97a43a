/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * docker-credential-NAME get: the registry on stdin; on stdout {"ServerURL": ..., "Username": ...,
 * "Secret": ...}, or with status 1 a line that says why not. The user name "<token>" makes the
 * secret an identity token.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/program.h"
#include "oci/credentials.h"
#include "oci/json.h"

#define PROGRAM "docker-credential-"
#define NOT_FOUND "credentials not found in native keychain" /* of the protocol */
#define TIMEOUT_MS (5 * 60 * 1000) /* it may ask the user for a passphrase */

int credential_helper_parse(struct span text, struct credentials *ret, struct diag *why)
{
	CLEAN(credentials_release) struct credentials credentials = {0};
	CLEAN(oci_json_releasep) json_t *root = NULL;
	const char *username, *secret;
	json_error_t error;

	root = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, &error);
	if (!root && (!error.text[0] || json_error_code(&error) == json_error_out_of_memory))
		return diag_set(why, -ENOMEM, "out of memory");
	username = json_string_value(json_object_get(root, "Username"));
	secret = json_string_value(json_object_get(root, "Secret"));
	if (!username || !secret)
		return diag_set(why, -EUCLEAN, "it did not answer with Username and Secret");
	if (strcmp(username, "<token>") == 0) {
		credentials.identity_token = strdup(secret);
	} else {
		credentials.username = strdup(username);
		credentials.password = strdup(secret);
	}
	if (!credentials.identity_token && (!credentials.username || !credentials.password))
		return -ENOMEM;
	*ret = credentials;
	credentials = (struct credentials){0}; /* handed over */
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int answer_read(int fd, struct buf *ret, struct diag *why)
{
	int64_t deadline = now_ms() + TIMEOUT_MS;

	for (;;) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int64_t left = deadline - now_ms();
		ssize_t got;
		int r = left > 0 ? poll(&wait, 1, (int)left) : 0;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return diag_set(why, r < 0 ? -errno : -ETIMEDOUT, "it took too long");
		if (ret->size == HELPER_ANSWER_SIZE_MAX)
			return diag_set(why, -E2BIG, "it said more than %d bytes",
					HELPER_ANSWER_SIZE_MAX);
		got = read(fd, ret->data + ret->size, HELPER_ANSWER_SIZE_MAX - ret->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : 0;
		ret->size += (size_t)got;
	}
}

/* Its line about a failure, made printable. */
static int said(struct buf *answer, struct diag *why)
{
	char *text = buf_string(answer), *end;

	if (!text)
		return -ENOMEM;
	for (end = text; *end && *end != '\n' && end - text < 200; end++) {
		if (*end < ' ' || *end > '~')
			*end = '?';
	}
	*end = '\0';
	if (strcmp(text, NOT_FOUND) == 0)
		return 0;
	return diag_set(why, -EIO, "%s", *text ? text : "it failed");
}

static int helper_wait(pid_t pid, int r, struct buf *answer, struct credentials *ret,
		       struct diag *why)
{
	int status;

	if (r < 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return diag_errno(why, -errno, "cannot wait for it");
	}
	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return said(answer, why);
	return credential_helper_parse(buf_span(answer), ret, why);
}

static int helper_run(const char *program, const char *registry, struct credentials *ret,
		      struct diag *why)
{
	CLEAN(buf_wipe) struct buf answer = {0};
	CLEAN(fd_closep) int in = -1;
	CLEAN(fd_closep) int ask = -1;
	CLEAN(fd_closep) int out = -1;
	CLEAN(fd_closep) int listen = -1;
	char word[] = "get";
	int pipes[2][2];
	pid_t pid;
	int r;

	if (pipe2(pipes[0], O_CLOEXEC) < 0)
		return diag_errno(why, -errno, "cannot make a pipe");
	in = pipes[0][0];
	ask = pipes[0][1];
	if (pipe2(pipes[1], O_CLOEXEC) < 0)
		return diag_errno(why, -errno, "cannot make a pipe");
	listen = pipes[1][0];
	out = pipes[1][1];
	/* Written before there is a reader that could go away: a host is smaller than a pipe. */
	r = fd_write(ask, registry, strlen(registry));
	if (r == 0)
		r = buf_reserve(&answer, HELPER_ANSWER_SIZE_MAX + 1);
	if (r < 0)
		return r;
	r = program_spawn((char *[]){(char *)(uintptr_t)program, word, NULL}, NULL,
			  (struct program_fd[]){{in, STDIN_FILENO}, {out, STDOUT_FILENO}}, 2, &pid);
	if (r < 0)
		return diag_errno(why, r, "cannot run %s", program);
	fd_close(fd_take(&in));
	fd_close(fd_take(&ask));
	fd_close(fd_take(&out));
	r = answer_read(listen, &answer, why);
	return helper_wait(pid, r, &answer, ret, why);
}

int credential_helper_get(const char *name, const char *registry, struct credentials *ret,
			  struct diag *why)
{
	CLEAN(memory_freep) char *program = NULL;
	int r;

	if (asprintf(&program, PROGRAM "%s", name) < 0)
		return -ENOMEM;
	/* Docker files its own registry under this, podman under its name. */
	if (strcmp(registry, "docker.io") == 0) {
		r = helper_run(program, "https://index.docker.io/v1/", ret, why);
		if (r < 0 || !credentials_are_empty(ret))
			return r < 0 ? diag_wrap(why, r, "%s", program) : 0;
	}
	r = helper_run(program, registry, ret, why);
	return r < 0 ? diag_wrap(why, r, "%s", program) : 0;
}
