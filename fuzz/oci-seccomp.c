/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A seccomp profile that a user names. What is made of it is a profile, too, of which nothing more
 * is chosen away.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/diag.h"
#include "oci/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const capabilities[] = {"CAP_CHOWN", "CAP_SYS_CHROOT", NULL};
	static const struct seccomp_host host = {
		.platform = {.os = "linux", .architecture = "amd64"},
		.kernel_major = 5,
		.kernel_minor = 10,
		.capabilities = capabilities,
	};
	json_t *made = NULL, *again = NULL;
	struct diag why = {0};
	int r = seccomp_profile_apply(span_of(data, size), &host, &made, &why);
	char *text;

	if (r < 0) {
		if (made || (r != -ENOMEM && !why.text[0]))
			abort();
		return 0;
	}
	text = json_dumps(made, JSON_COMPACT);
	if (!text || (seccomp_profile_apply(span_of_string(text), &host, &again, &why) == 0 &&
		      !json_equal(made, again)))
		abort();
	json_decref(made);
	json_decref(again);
	free(text);
	return 0;
}
