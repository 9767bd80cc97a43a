/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The background half of a lazy pull: the eager pull of the same manifest, and so the same image.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "ops/daemon.h"
#include "ops/lazy.h"
#include "ops/pull.h"
#include "ops/repository.h"

/*
 * The file that a fill locks, open for writing, and the source of the image. Nothing is left open
 * that shares the folder: a fill that succeeds takes that away. -EBUSY: there is a fill.
 */
static int fill_file_open(const struct store *store, const struct digest *manifest,
			  char **ret_source)
{
	CLEAN(lazy_image_closep) struct lazy_image *image = NULL;
	CLEAN(fd_closep) int fd = -1;
	int r = lazy_image_open(store, manifest, &image, NULL);

	if (r < 0)
		return r;
	fd = openat(image->dir_fd, "fill", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (ftruncate(fd, 0) < 0)
		return -errno;
	*ret_source = TAKE(image->state.source);
	return fd_take(&fd);
}

static int fill(const char *repo, const struct pull_request *asked,
		const struct pull_result *result)
{
	CLEAN(repository_closep) struct store *store = NULL;
	CLEAN(pull_result_release) struct pull_result filled = {0};
	CLEAN(memory_freep) char *source = NULL;
	CLEAN(fd_closep) int fd = -1;
	struct pull_request request = *asked;
	struct diag why = {0};
	int r = repository_open(repo, &store, &why);

	if (r < 0)
		return r;
	fd = fill_file_open(store, &result->manifest, &source);
	if (fd < 0)
		return fd;
	request.source = source;
	request.name = result->tag;
	request.is_lazy = false;
	request.is_fill = true;
	request.progress = (struct progress){0};
	r = pull_image(store, &request, &filled, &why);
	if (r < 0) {
		const char *text = diag_text(&why, r);

		(void)fd_write(fd, text, strlen(text));
	}
	return r;
}

_Noreturn static void fill_main(const char *repo, const struct pull_request *request,
				const struct pull_result *result)
{
	(void)setsid();
	(void)signal(SIGHUP, SIG_IGN);
	(void)prctl(PR_SET_NAME, "lamina-fill");
	fd_close_all_but(NULL, 0);
	if (daemon_streams_detach(false) < 0)
		_exit(EXIT_FAILURE);
	_exit(fill(repo, request, result) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

int pull_fill_start(const char *repo, const struct pull_request *request,
		    const struct pull_result *result, struct diag *why)
{
	int status = 0;
	pid_t pid = fork();

	/* Twice, so that nobody has to wait for its end. */
	if (pid == 0) {
		pid_t second = fork();

		if (second == 0)
			fill_main(repo, request, result);
		_exit(second < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	if (pid < 0)
		return diag_errno(why, -errno, "start a process");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
		return diag_set(why, -EAGAIN, "cannot start a process");
	return 0;
}
