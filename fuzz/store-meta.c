/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * meta.json of a repository that somebody else wrote. What is accepted is written and read again:
 * both must say the same.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/diag.h"
#include "store/meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = {0};
	struct diag why = {0};
	struct meta meta, again;

	if (meta_parse(span_of(data, size), &meta, &why) < 0) {
		if (!why.text[0])
			abort();
		return 0;
	}
	if (meta_format(&meta.config, &text) < 0)
		return 0;
	if (meta_parse(buf_span(&text), &again, &why) < 0 || !again.is_writable ||
	    again.config.algorithm != meta.config.algorithm ||
	    again.config.erofs_version != meta.config.erofs_version ||
	    again.config.extra_versions != meta.config.extra_versions)
		abort();
	buf_release(&text);
	return 0;
}
