/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

static int load(const struct library *library, const char *file, struct diag *why)
{
	void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
	const char *said;

	for (size_t i = 0; handle && i < library->count; i++) {
		void *found = dlsym(handle, library->symbols[i].name);

		/* POSIX wants an object pointer to hold functions, ISO C has no cast for it. */
		memcpy(library->symbols[i].ret_function, &found, sizeof(found));
		if (!found)
			handle = NULL;
	}
	if (handle)
		return 0;
	said = dlerror();
	return diag_set(why, -EOPNOTSUPP, "cannot load %s: %s", file,
			said ? said : "it is not complete");
}

static int load_and_start(struct library *library)
{
	int r = load(library, library->file, &library->failure);

	if (r < 0 && library->older_file) {
		library->failure = (struct diag){0};
		r = load(library, library->older_file, &library->failure);
	}
	return r == 0 && library->start ? library->start(&library->failure) : r;
}

int library_want(struct library *library, struct diag *why)
{
	int r;

	(void)pthread_mutex_lock(&library->lock);
	if (!library->is_tried) {
		library->result = load_and_start(library);
		library->is_tried = true;
	}
	r = library->result;
	(void)pthread_mutex_unlock(&library->lock);
	return r < 0 ? diag_set(why, r, "%s", library->failure.text) : 0;
}
