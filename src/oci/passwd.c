/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/passwd.h"

#include "base/idmap.h"
#include "base/limits.h"

#define FIELD_COUNT_MAX 7

/* Cuts the first part of *rest off, up to the separator or the end. False: nothing is left. */
static bool part_next(struct span *rest, uint8_t separator, struct span *ret)
{
	const uint8_t *end;

	if (!rest->data)
		return false;
	end = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
	if (!end) {
		*ret = *rest;
		*rest = SPAN_EMPTY;
		return true;
	}
	*ret = span_of(rest->data, (size_t)(end - rest->data));
	*rest = span_of(end + 1, rest->size - ret->size - 1);
	return true;
}

/* The fields of the next line that has exactly so many. */
static bool line_next(struct span *rest, size_t count, struct span fields[FIELD_COUNT_MAX])
{
	struct span line;

	while (part_next(rest, '\n', &line)) {
		size_t found = 0;

		if (line.size > PASSWD_LINE_SIZE_MAX)
			continue;
		while (found < count && part_next(&line, ':', &fields[found]))
			found++;
		if (found == count && !line.data && fields[0].size > 0)
			return true;
	}
	return false;
}

bool passwd_number(struct span text, uint32_t *ret)
{
	uint64_t number = 0;

	if (text.size == 0 || text.size > 10)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text.data[i] - '0');
	}
	if (number >= IDMAP_NONE)
		return false;
	*ret = (uint32_t)number;
	return true;
}

bool passwd_find(struct span text, struct span name, uint32_t uid, struct passwd_user *ret)
{
	struct span fields[FIELD_COUNT_MAX];
	struct passwd_user user;

	while (line_next(&text, 7, fields)) {
		if (!passwd_number(fields[2], &user.uid) || !passwd_number(fields[3], &user.gid))
			continue;
		if (name.size > 0 ? !span_equal(fields[0], name) : user.uid != uid)
			continue;
		user.name = fields[0];
		user.home = fields[5];
		*ret = user;
		return true;
	}
	return false;
}

bool group_find(struct span text, struct span name, uint32_t *ret)
{
	struct span fields[FIELD_COUNT_MAX];

	while (line_next(&text, 4, fields)) {
		if (span_equal(fields[0], name) && passwd_number(fields[2], ret))
			return true;
	}
	return false;
}

static bool is_member(struct span members, struct span user)
{
	struct span member;

	while (part_next(&members, ',', &member)) {
		if (span_equal(member, user))
			return true;
	}
	return false;
}

static bool has_gid(const uint32_t *gids, size_t count, uint32_t gid)
{
	for (size_t i = 0; i < count; i++) {
		if (gids[i] == gid)
			return true;
	}
	return false;
}

size_t groups_of_member(struct span text, struct span user, uint32_t *gids, size_t count_max)
{
	struct span fields[FIELD_COUNT_MAX];
	size_t count = 0;
	uint32_t gid;

	while (count < count_max && line_next(&text, 4, fields)) {
		if (!is_member(fields[3], user) || !passwd_number(fields[2], &gid) ||
		    has_gid(gids, count, gid))
			continue;
		gids[count++] = gid;
	}
	return count;
}
