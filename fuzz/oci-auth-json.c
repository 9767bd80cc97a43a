/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Files of credentials, and what a credential helper says. Nothing but a name comes out where a
 * helper is to be run.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "oci/credentials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const registries[] = {"docker.io", "h.io", "localhost:5000"};
	struct credentials credentials = {0};
	struct diag why = {0};

	for (size_t i = 0; i < 3; i++) {
		struct auth_entry entry = {0};
		int r = auth_file_find(span_of(data, size), registries[i], "a/b", &entry, &why);

		if (r == 1 && !entry.helper == credentials_are_empty(&entry.credentials))
			abort();
		if (r != 1 && (entry.helper || !credentials_are_empty(&entry.credentials)))
			abort();
		if (entry.helper && (strchr(entry.helper, '/') || !entry.helper[0]))
			abort();
		auth_entry_release(&entry);
	}
	if (credential_helper_parse(span_of(data, size), &credentials, &why) == 0 &&
	    credentials_are_empty(&credentials))
		abort();
	credentials_release(&credentials);
	return 0;
}
