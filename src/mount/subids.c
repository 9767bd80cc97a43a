/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "mount/subids.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"

#define ID_NONE UINT32_MAX /* (uid_t)-1 */

/* A passwd entry is names, paths and a comment; 1 MiB is where a broken name service ends. */
#define PASSWD_SIZE_MAX (1024 * 1024)

/* The part of text before the first end, which is taken from text as well. */
static struct span part_next(struct span *text, char end)
{
	const uint8_t *at = text->size > 0 ? memchr(text->data, end, text->size) : NULL;
	size_t size = at ? (size_t)(at - text->data) : text->size;
	struct span part = span_of(text->data, size);

	(void)span_from(*text, at ? size + 1 : size, text);
	return part;
}

/* All of text as a decimal number of 32 bits. */
static bool number_parse(struct span text, uint32_t *ret)
{
	uint64_t value = 0;

	if (text.size == 0)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.data[i] - '0');
		if (value > UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)value;
	return true;
}

static bool is_of(struct span owner, const char *name, uid_t uid)
{
	uint32_t number;

	if (name && span_equal(owner, span_of_string(name)))
		return true;
	return number_parse(owner, &number) && number == uid && number != ID_NONE;
}

static bool overlaps(const struct subids *ids, uint64_t start, uint64_t count)
{
	for (uint32_t i = 0; i < ids->count; i++) {
		const struct subids_range *other = &ids->ranges[i];

		if (start < (uint64_t)other->start + other->count && other->start < start + count)
			return true;
	}
	return false;
}

int subids_add(struct subids *ids, uint64_t start, uint64_t count, struct diag *why)
{
	if (count == 0 || count > ID_NONE || start > ID_NONE - count || overlaps(ids, start, count))
		return 0;
	if (ids->count == SUBIDS_RANGE_MAX)
		return diag_set(why, -E2BIG, "more than %d ranges of subordinate ids",
				SUBIDS_RANGE_MAX);
	ids->ranges[ids->count++] = (struct subids_range){(uint32_t)start, (uint32_t)count};
	return 0;
}

int subids_parse(struct span text, const char *name, uid_t uid, struct subids *ret,
		 struct diag *why)
{
	struct subids ids = {0};

	while (text.size > 0) {
		struct span line = part_next(&text, '\n');
		struct span owner = part_next(&line, ':');
		struct span first = part_next(&line, ':');
		uint32_t start, count;
		int r;

		if (!is_of(owner, name, uid) || !number_parse(first, &start) ||
		    !number_parse(line, &count))
			continue;
		r = subids_add(&ids, start, count, why);
		if (r < 0)
			return r;
	}
	*ret = ids;
	return 0;
}

int subids_read(const char *path, const char *name, uid_t uid, struct subids *ret, struct diag *why)
{
	CLEAN(fd_closep) int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	CLEAN(buf_release) struct buf text = {0};
	int r;

	if (fd < 0 && errno == ENOENT) {
		*ret = (struct subids){0};
		return 0;
	}
	if (fd < 0)
		return diag_errno(why, -errno, "cannot open %s", path);
	r = fd_read_all(fd, SUBIDS_SIZE_MAX, &text);
	if (r < 0)
		return diag_errno(why, r, "cannot read %s", path);
	r = subids_parse(buf_span(&text), name, uid, ret, why);
	return r < 0 ? diag_wrap(why, r, "%s", path) : 0;
}

char *subids_user_name(uid_t uid)
{
	for (size_t size = 1024; size <= PASSWD_SIZE_MAX; size *= 4) {
		CLEAN(memory_freep) char *strings = malloc(size);
		struct passwd entry, *found = NULL;
		int err = strings ? getpwuid_r(uid, &entry, strings, size, &found) : ENOMEM;

		if (err == 0)
			return found && found->pw_name[0] ? strdup(found->pw_name) : NULL;
		if (err != ERANGE)
			return NULL;
	}
	return NULL;
}
