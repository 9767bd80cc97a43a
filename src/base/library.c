/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/diag.h"

int library_load(const char *file, const struct library_symbol *symbols, size_t count,
		 struct diag *why)
{
	void *library = dlopen(file, RTLD_LAZY | RTLD_LOCAL);

	for (size_t i = 0; library && i < count; i++) {
		void *found = dlsym(library, symbols[i].name);

		/* POSIX wants an object pointer to hold functions, ISO C has no cast for it. */
		memcpy(symbols[i].ret_function, &found, sizeof(found));
		if (!found)
			library = NULL;
	}
	if (!library) {
		const char *said = dlerror();

		return diag_set(why, -EOPNOTSUPP, "cannot load %s: %s", file,
				said ? said : "it is not complete");
	}
	return 0;
}
