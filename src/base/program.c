/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int program_find(const char *name)
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/bin:/usr/bin"; *path; path += strspn(path, ":")) {
		CLEAN(memory_freep) char *candidate = NULL;
		size_t size = strcspn(path, ":");

		if (asprintf(&candidate, "%.*s/%s", (int)size, path, name) < 0) {
			candidate = NULL;
			return -ENOMEM;
		}
		if (access(candidate, X_OK) == 0)
			return 0;
		path += size;
	}
	return -ENOENT;
}
