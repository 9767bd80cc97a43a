/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/file_contexts.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/limits.h"
#include "base/map.h"
#include "oci/patterns.h"

struct alias {
	struct span path;
	struct span original;
};

struct file_contexts {
	struct arena arena;
	struct patterns *patterns; /* owned */
	struct span *labels;       /* owned; by number of the pattern; empty: <<none>> */
	size_t count;
	size_t capacity;
	struct map aliases; /* struct alias */
};

int file_contexts_new(struct file_contexts **ret)
{
	struct file_contexts *contexts = calloc(1, sizeof(*contexts));

	if (!contexts)
		return -ENOMEM;
	if (patterns_new(&contexts->patterns) < 0) {
		free(contexts);
		return -ENOMEM;
	}
	*ret = contexts;
	return 0;
}

void file_contexts_free(struct file_contexts *contexts)
{
	if (!contexts)
		return;
	arena_release(&contexts->arena);
	patterns_free(contexts->patterns);
	map_release(&contexts->aliases);
	free(contexts->labels);
	free(contexts);
}

void file_contexts_freep(struct file_contexts **contexts)
{
	int saved = errno;

	file_contexts_free(*contexts);
	*contexts = NULL;
	errno = saved;
}

void file_contexts_limit(struct file_contexts *contexts, size_t cache_size, uint64_t work)
{
	patterns_limit(contexts->patterns, cache_size, work);
}

/* Lines */

#define WORD_COUNT_MAX 4 /* one more than any line may have */

static bool byte_is_space(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* The words of a line: how many, at most WORD_COUNT_MAX; none of a comment. */
static size_t words_of(struct span line, struct span *ret)
{
	size_t count = 0, at = 0;

	while (count < WORD_COUNT_MAX) {
		size_t start;

		while (at < line.size && byte_is_space(line.data[at]))
			at++;
		start = at;
		while (at < line.size && !byte_is_space(line.data[at]))
			at++;
		if (at == start || (count == 0 && line.data[start] == '#'))
			break;
		ret[count++] = span_of(line.data + start, at - start);
	}
	return count;
}

typedef int take_line(struct file_contexts *contexts, const struct span *words, size_t count,
		      struct diag *why);

static int lines_take(struct file_contexts *contexts, struct span text, take_line *take,
		      struct diag *why)
{
	for (unsigned long number = 1; text.size; number++) {
		const uint8_t *end = memchr(text.data, '\n', text.size);
		size_t size = end ? (size_t)(end - text.data) : text.size;
		struct span words[WORD_COUNT_MAX];
		size_t count;
		int r = 0;

		if (size > SELINUX_LINE_SIZE_MAX)
			return diag_set(why, -E2BIG, "line %lu is longer than %d bytes", number,
					SELINUX_LINE_SIZE_MAX);
		count = words_of(span_of(text.data, size), words);
		if (count)
			r = take(contexts, words, count, why);
		if (r < 0)
			return diag_wrap(why, r, "line %lu", number);
		(void)span_from(text, size + (end != NULL), &text);
	}
	return 0;
}

/* Labels */

static int label_add(struct file_contexts *contexts, struct span label)
{
	struct span *labels = contexts->labels;

	if (contexts->count == contexts->capacity) {
		size_t capacity = contexts->capacity ? 2 * contexts->capacity : 64;

		labels = reallocarray(labels, capacity, sizeof(*labels));
		if (!labels)
			return -ENOMEM;
		contexts->labels = labels;
		contexts->capacity = capacity;
	}
	if (span_equal(label, SPAN_LITERAL("<<none>>")))
		label = SPAN_EMPTY;
	labels[contexts->count] = span_of(arena_copy(&contexts->arena, label), label.size);
	if (!labels[contexts->count].data)
		return -ENOMEM;
	contexts->count++;
	return 0;
}

static int context_take(struct file_contexts *contexts, const struct span *words, size_t count,
			struct diag *why)
{
	bool has_type = count > 1 && words[1].data[0] == '-';
	uint8_t type = PATTERN_ANY_TAG;
	int r;

	if (has_type) {
		if (words[1].size != 2 || !strchr("bcdpls-", words[1].data[1]) || !words[1].data[1])
			return diag_set(why, -EUCLEAN, "a type of file that there is not");
		type = words[1].data[1];
	}
	if (count != (has_type ? 3 : 2))
		return diag_set(why, -EUCLEAN, "not a pattern, a type and a label");
	if (words[count - 1].size > XATTR_VALUE_SIZE_MAX)
		return diag_set(why, -E2BIG, "a label of %zu bytes", words[count - 1].size);
	r = patterns_add(contexts->patterns, words[0], type, why);
	return r < 0 ? r : label_add(contexts, words[count - 1]);
}

int file_contexts_add(struct file_contexts *contexts, struct span text, struct diag *why)
{
	return lines_take(contexts, text, context_take, why);
}

/* Aliases */

static bool alias_equal(const void *item, const void *key)
{
	return span_equal(((const struct alias *)item)->path, *(const struct span *)key);
}

static struct alias *alias_find(const struct file_contexts *contexts, struct span path)
{
	return map_find(&contexts->aliases, hash_bytes(path, 0), alias_equal, &path);
}

static int alias_take(struct file_contexts *contexts, const struct span *words, size_t count,
		      struct diag *why)
{
	struct alias *alias = alias_find(contexts, words[0]);
	bool is_new = !alias;

	if (count != 2)
		return diag_set(why, -EUCLEAN, "not two paths");
	if (words[0].size > PATH_MAX || words[1].size > PATH_MAX)
		return diag_set(why, -E2BIG, "a path of more than %d bytes", PATH_MAX);
	if (is_new) {
		alias = arena_new(&contexts->arena, struct alias);
		if (!alias)
			return -ENOMEM;
		alias->path = span_of(arena_copy(&contexts->arena, words[0]), words[0].size);
	}
	alias->original = span_of(arena_copy(&contexts->arena, words[1]), words[1].size);
	if (!alias->path.data || !alias->original.data)
		return -ENOMEM;
	return is_new ? map_add(&contexts->aliases, hash_bytes(alias->path, 0), alias) : 0;
}

int file_contexts_add_aliases(struct file_contexts *contexts, struct span text, struct diag *why)
{
	return lines_take(contexts, text, alias_take, why);
}

struct span file_contexts_alias(const struct file_contexts *contexts, struct span path)
{
	const struct alias *alias = alias_find(contexts, path);

	return alias ? alias->original : path;
}

/* Looking up */

static uint8_t type_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFBLK:
		return 'b';
	case S_IFCHR:
		return 'c';
	case S_IFDIR:
		return 'd';
	case S_IFIFO:
		return 'p';
	case S_IFLNK:
		return 'l';
	case S_IFSOCK:
		return 's';
	default:
		return '-';
	}
}

int file_contexts_find(struct file_contexts *contexts, struct span path, uint32_t mode,
		       struct span *ret, struct diag *why)
{
	size_t number;
	int r = patterns_match(contexts->patterns, path, type_of(mode), &number, why);

	if (r != 1 || !contexts->labels[number].size)
		return r < 0 ? r : 0;
	*ret = contexts->labels[number];
	return 1;
}
