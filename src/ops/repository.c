/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/repository.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "mount/userns.h"
#include "store/store.h"

#define SYSTEM_REPOSITORY "/var/lib/lamina"

static char *join(const char *directory, const char *rest)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, rest) < 0 ? NULL : path;
}

char *repository_path(const char *given)
{
	const char *variable = secure_getenv("LAMINA_REPO");
	const char *data_home = secure_getenv("XDG_DATA_HOME");
	const char *home = secure_getenv("HOME");

	if (given)
		return strdup(given);
	if (variable && variable[0])
		return strdup(variable);
	if (geteuid() == 0 && userns_is_initial())
		return strdup(SYSTEM_REPOSITORY);
	if (data_home && data_home[0] == '/')
		return join(data_home, "lamina");
	if (home && home[0] == '/')
		return join(home, ".local/share/lamina");
	return NULL;
}

/* mkdir -p of everything above path. */
static int parents_make(const char *path, struct diag *why)
{
	CLEAN(memory_freep) char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return diag_errno(why, -errno, "cannot make directory '%s'", copy);
		*slash = '/';
	}
	return 0;
}

int repository_init(const char *path, const struct repository_options *options, bool *ret_secure,
		    struct diag *why)
{
	struct store_config config = {
		.algorithm = options->algorithm,
		.is_secure = options->security != REPOSITORY_INSECURE,
		.erofs_version = options->erofs_version,
	};
	int r;

	if (!path[0])
		return diag_set(why, -EINVAL, "the path is empty");
	r = parents_make(path, why);
	if (r < 0)
		return r;
	r = store_init(path, &config, why);
	/* Where a secure one can't be, or an insecure one is already: that is what "if possible"
	 * means. */
	if ((r == -EOPNOTSUPP || r == -EEXIST) &&
	    options->security == REPOSITORY_SECURE_IF_POSSIBLE) {
		config.is_secure = false;
		if (why)
			*why = (struct diag){0};
		r = store_init(path, &config, why);
	}
	if (r < 0)
		return r;
	*ret_secure = config.is_secure;
	return 0;
}

int repository_open(const char *given, struct store **ret, struct diag *why)
{
	CLEAN(memory_freep) char *path = repository_path(given);
	int r;

	if (!path)
		return diag_set(why, -ENOENT, "no repository is named and $HOME is not set");
	r = store_open(path, ret, why);
	if (r == -ENOENT && access(path, F_OK) < 0 && errno == ENOENT)
		return diag_set(why, r, "there is no repository '%s' ('lamina init' makes one)",
				path);
	if (r < 0)
		return diag_wrap(why, r, "repository '%s'", path);
	return 0;
}

void repository_closep(struct store **store)
{
	store_closep(store);
}
