/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"

#define TRIES_MAX 16 /* of random names; a second collision is already beyond belief */

static int directly(int fd, struct output *ret, struct diag *why)
{
	if (fd < 0)
		return diag_errno(why, -errno, "open for writing");
	ret->fd = fd;
	return 0;
}

static char *temporary_name(void)
{
	uint64_t random = 0;
	char *name;

	(void)getrandom(&random, sizeof(random), 0);
	return asprintf(&name, ".lamina-%016llx", (unsigned long long)random) < 0 ? NULL : name;
}

/* The directory of path, and the last component. */
static int target_split(const char *path, struct output *output, struct diag *why)
{
	const char *slash = strrchr(path, '/');
	CLEAN(memory_freep)
	char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");

	output->name = strdup(slash ? slash + 1 : path);
	if (!dir || !output->name)
		return -ENOMEM;
	if (!output->name[0])
		return diag_set(why, -EISDIR, "the path ends in a slash");
	output->dir_fd = openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (output->dir_fd < 0)
		return diag_errno(why, -errno, "open directory '%s'", dir);
	return 0;
}

static int named_create(struct output *output, struct diag *why)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		free(output->temporary);
		output->temporary = temporary_name();
		if (!output->temporary)
			return -ENOMEM;
		output->fd = openat(output->dir_fd, output->temporary,
				    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (output->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	free(TAKE(output->temporary));
	return diag_errno(why, -errno, "make a temporary file");
}

int output_open(const char *path, struct output *ret, struct diag *why)
{
	CLEAN(output_release) struct output output = OUTPUT_EMPTY;
	struct stat st;
	int r;

	if (strcmp(path, "-") == 0)
		return directly(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3), ret, why);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return diag_set(why, -EISDIR, "it is a directory");
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return directly(openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC | O_NOCTTY), ret, why);
	r = target_split(path, &output, why);
	if (r < 0)
		return r;
	output.fd = openat(output.dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	if (output.fd < 0) {
		r = named_create(&output, why);
		if (r < 0)
			return r;
	}
	*ret = output;
	output = OUTPUT_EMPTY;
	return 0;
}

int output_write(struct output *output, struct span bytes, struct diag *why)
{
	int r = fd_write(output->fd, bytes.data, bytes.size);

	return r < 0 ? diag_errno(why, r, "write") : 0;
}

/* Give a nameless file a name beside the target: linkat() does not replace, rename does. */
static int nameless_link(struct output *output, struct diag *why)
{
	char self[32];

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", output->fd);
	for (int i = 0; i < TRIES_MAX; i++) {
		free(output->temporary);
		output->temporary = temporary_name();
		if (!output->temporary)
			return -ENOMEM;
		if (linkat(AT_FDCWD, self, output->dir_fd, output->temporary, AT_SYMLINK_FOLLOW) ==
		    0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	free(TAKE(output->temporary));
	return diag_errno(why, -errno, "name the file");
}

int output_commit(struct output *output, struct diag *why)
{
	int r;

	if (output->dir_fd < 0)
		return 0;
	if (!output->temporary) {
		r = nameless_link(output, why);
		if (r < 0)
			return r;
	}
	if (renameat(output->dir_fd, output->temporary, output->dir_fd, output->name) < 0)
		return diag_errno(why, -errno, "put it in place");
	free(TAKE(output->temporary));
	return 0;
}

void output_release(struct output *output)
{
	int saved = errno;

	if (output->temporary)
		(void)unlinkat(output->dir_fd, output->temporary, 0);
	fd_close(output->fd);
	fd_close(output->dir_fd);
	free(output->name);
	free(output->temporary);
	*output = OUTPUT_EMPTY;
	errno = saved;
}
