/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/runtime_failure.h"

#include <stdbool.h>
#include <string.h>

/* Without regard to case: crun has C's messages, runc Go's. */
static bool has_text(struct span line, const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i + size <= line.size; i++) {
		if (strncasecmp((const char *)line.data + i, text, size) == 0)
			return true;
	}
	return false;
}

static bool has_any(struct span line, const char *const *texts)
{
	for (; *texts; texts++) {
		if (has_text(line, *texts))
			return true;
	}
	return false;
}

/*
 * crun: executable file `x` not found in $PATH: No such file or directory
 *       open executable: Permission denied
 * runc: time="..." level=error msg="... exec: \"x\": executable file not found in $PATH"
 *       time="..." level=error msg="... exec: \"/x\": stat /x: no such file or directory"
 *       time="..." level=error msg="... exec: \"/x\": permission denied"
 */
static int line_status(struct span line)
{
	static const char *const failure[] = {"level=error", "level=fatal", NULL};
	static const char *const executes[] = {"executable", "exec: ", "exec /",
					       "exec container process", NULL};
	static const char *const missing[] = {"not found", "no such file", NULL};

	if (line.size == 0 || (has_text(line, "level=") && !has_any(line, failure)))
		return 0;
	if (!has_any(line, executes))
		return STATUS_RUNTIME_FAILED;
	return has_any(line, missing) ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

int runtime_failure_status(struct span log)
{
	int found = 0;

	while (log.size) {
		const uint8_t *end = memchr(log.data, '\n', log.size);
		size_t size = end ? (size_t)(end - log.data) : log.size;
		int status = line_status(span_of(log.data, size));

		/* What is more exact is the reason of the other. */
		if (status > found)
			found = status;
		log = span_of(log.data + size + (end != NULL), log.size - size - (end != NULL));
	}
	return found;
}
