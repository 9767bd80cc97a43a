/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * File contexts, aliases, and paths, one a line: three parts, a zero byte after each of the first
 * two. A second policy of the same text, which remembers next to nothing, must say the same.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "oci/file_contexts.h"
#include "oci/patterns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORK_MAX (1 << 22) /* so that no input takes long */
#define PATH_COUNT_MAX 64

static struct span cut(struct span *rest, int byte)
{
	const uint8_t *end = rest->size ? memchr(rest->data, byte, rest->size) : NULL;
	struct span part = *rest;

	if (end)
		part.size = (size_t)(end - rest->data);
	*rest = end ? span_of(end + 1, rest->size - part.size - 1) : SPAN_EMPTY;
	return part;
}

static struct file_contexts *contexts_of(struct span text, struct span aliases, size_t cache_size)
{
	struct file_contexts *contexts = NULL;
	struct diag why = {0};

	if (file_contexts_new(&contexts) < 0)
		return NULL;
	file_contexts_limit(contexts, cache_size, WORK_MAX);
	if (file_contexts_add(contexts, text, &why) == 0 &&
	    file_contexts_add_aliases(contexts, aliases, &why) == 0)
		return contexts;
	if (!why.text[0])
		abort();
	file_contexts_free(contexts);
	return NULL;
}

static void compare(struct file_contexts *all, struct file_contexts *few, struct span paths)
{
	static const uint32_t modes[] = {S_IFREG, S_IFDIR, S_IFLNK};

	for (size_t i = 0; paths.size && i < PATH_COUNT_MAX; i++) {
		struct span path = file_contexts_alias(all, cut(&paths, '\n'));
		struct span labels[2] = {SPAN_EMPTY, SPAN_EMPTY};
		int first = file_contexts_find(all, path, modes[i % 3], &labels[0], NULL);
		int second = file_contexts_find(few, path, modes[i % 3], &labels[1], NULL);

		if (first < 0 || second < 0) /* too much work, of which few has more */
			return;
		if (first != second || !span_equal(labels[0], labels[1]))
			abort();
		if (first == 1 && !labels[0].size)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), text = cut(&rest, '\0'), aliases = cut(&rest, '\0');
	struct file_contexts *all = contexts_of(text, aliases, 1 << 20);
	struct file_contexts *few = all ? contexts_of(text, aliases, 0) : NULL;

	if (all && few)
		compare(all, few, rest);
	file_contexts_free(all);
	file_contexts_free(few);
	return 0;
}
