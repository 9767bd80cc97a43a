/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A mount record of a repository that somebody else owns. What is accepted is written and read
 * again: both must give the same text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"
#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mount_record record = {0}, again = {0};
	struct buf first = {0}, second = {0};
	struct diag why = {0};

	if (record_parse(span_of(data, size), &record, &why) < 0) {
		if (!why.text[0] || record.image || record.target)
			abort();
		return 0;
	}
	if (!record_id_is_valid(record.id) || !record.image || record.target[0] != '/')
		abort();
	if (record_format(&record, &first) == 0) {
		if (record_parse(buf_span(&first), &again, &why) < 0 ||
		    record_format(&again, &second) < 0 || first.size != second.size ||
		    memcmp(first.data, second.data, first.size) != 0)
			abort();
	}
	buf_release(&first);
	buf_release(&second);
	mount_record_release(&record);
	mount_record_release(&again);
	return 0;
}
