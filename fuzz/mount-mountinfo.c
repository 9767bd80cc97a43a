/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/* One line of mountinfo; what is read out of it must be inside it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"
#include "mount/mountinfo.h"
#include "mount/userns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mount_entry entry = {0};

	if (mount_entry_parse(span_of(data, size), &entry, NULL) == 0) {
		size_t sum = strlen(entry.root) + strlen(entry.target) + strlen(entry.options) +
			     strlen(entry.type) + strlen(entry.source) +
			     strlen(entry.super_options);

		assert(sum < size);
		(void)mount_entry_is_ours(&entry);
		mount_entry_release(&entry);
	} else {
		assert(!entry.text);
	}
	(void)userns_map_covers(span_of(data, size), 1000);
	return 0;
}
