/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "base/idmap.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"

/* The index of the last extent, by inside, that begins at id or before; -1: none. */
static int find_inside(const struct idmap *map, uint32_t id)
{
	int low = 0, high = (int)map->count;

	while (low < high) {
		int middle = (low + high) / 2;

		if (map->extents[middle].inside <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

/* The same by outside: a place in by_outside. */
static int find_outside(const struct idmap *map, uint32_t id)
{
	int low = 0, high = (int)map->count;

	while (low < high) {
		int middle = (low + high) / 2;

		if (map->extents[map->by_outside[middle]].outside <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low - 1;
}

uint32_t idmap_to_outside(const struct idmap *map, uint32_t inside)
{
	int i = find_inside(map, inside);

	if (i < 0 || inside - map->extents[i].inside >= map->extents[i].count)
		return IDMAP_NONE;
	return map->extents[i].outside + (inside - map->extents[i].inside);
}

uint32_t idmap_to_inside(const struct idmap *map, uint32_t outside)
{
	int place = find_outside(map, outside);
	const struct idmap_extent *extent;

	if (place < 0)
		return IDMAP_NONE;
	extent = &map->extents[map->by_outside[place]];
	if (outside - extent->outside >= extent->count)
		return IDMAP_NONE;
	return extent->inside + (outside - extent->outside);
}

static int extent_check(const struct idmap_extent *extent, struct diag *why)
{
	/* The last id may be IDMAP_NONE - 1: the first id behind the extent is then IDMAP_NONE. */
	if (extent->count == 0 || extent->inside > IDMAP_NONE - extent->count ||
	    extent->outside > IDMAP_NONE - extent->count)
		return diag_set(why, -EINVAL, "an id map has no ids %u:%u:%u", extent->inside,
				extent->outside, extent->count);
	return 0;
}

static int overlap(const struct idmap_extent *extent, const char *side, struct diag *why)
{
	return diag_set(why, -EEXIST, "the id map has ids of %u:%u:%u twice %s", extent->inside,
			extent->outside, extent->count, side);
}

int idmap_add(struct idmap *map, struct idmap_extent extent, struct diag *why)
{
	int below = find_inside(map, extent.inside), place = find_outside(map, extent.outside);
	int at = below + 1, at_outside = place + 1, r;
	const struct idmap_extent *other;

	r = extent_check(&extent, why);
	if (r < 0)
		return r;
	if (below >= 0) {
		other = &map->extents[below];
		if (extent.inside - other->inside < other->count)
			return overlap(&extent, "inside", why);
	}
	if (at < (int)map->count && map->extents[at].inside - extent.inside < extent.count)
		return overlap(&extent, "inside", why);
	if (place >= 0) {
		other = &map->extents[map->by_outside[place]];
		if (extent.outside - other->outside < other->count)
			return overlap(&extent, "outside", why);
	}
	if (at_outside < (int)map->count) {
		other = &map->extents[map->by_outside[at_outside]];
		if (other->outside - extent.outside < extent.count)
			return overlap(&extent, "outside", why);
	}
	if (map->count == IDMAP_EXTENT_MAX)
		return diag_set(why, -E2BIG, "an id map has at most %d extents", IDMAP_EXTENT_MAX);
	for (uint32_t i = 0; i < map->count; i++)
		map->by_outside[i] = (uint16_t)(map->by_outside[i] + (map->by_outside[i] >= at));
	memmove(&map->extents[at + 1], &map->extents[at],
		(map->count - (uint32_t)at) * sizeof(map->extents[0]));
	memmove(&map->by_outside[at_outside + 1], &map->by_outside[at_outside],
		(map->count - (uint32_t)at_outside) * sizeof(map->by_outside[0]));
	map->extents[at] = extent;
	map->by_outside[at_outside] = (uint16_t)at;
	map->count++;
	return 0;
}

/* A decimal number of 32 bits at the start of text, which is moved behind it. */
static bool number_next(struct span *text, uint32_t *ret)
{
	uint64_t value = 0;
	size_t i = 0;

	while (i < text->size && text->data[i] >= '0' && text->data[i] <= '9') {
		value = value * 10 + (uint64_t)(text->data[i++] - '0');
		if (value > UINT32_MAX)
			return false;
	}
	if (i == 0)
		return false;
	(void)span_from(*text, i, text);
	*ret = (uint32_t)value;
	return true;
}

static bool byte_next(struct span *text, char byte)
{
	if (text->size == 0 || text->data[0] != (uint8_t)byte)
		return false;
	(void)span_from(*text, 1, text);
	return true;
}

int idmap_add_list(struct idmap *map, const char *text, struct diag *why)
{
	struct span rest = span_of_string(text);

	do {
		struct idmap_extent extent;
		int r;

		if (!number_next(&rest, &extent.inside) || !byte_next(&rest, ':') ||
		    !number_next(&rest, &extent.outside) || !byte_next(&rest, ':') ||
		    !number_next(&rest, &extent.count) || (rest.size > 0 && rest.data[0] != ','))
			return diag_set(why, -EINVAL,
					"'%s' is not of the form " IDMAP_OPTION "[,...]", text);
		r = idmap_add(map, extent, why);
		if (r < 0)
			return r;
	} while (byte_next(&rest, ','));
	return 0;
}

static bool number_after_spaces(struct span *text, uint32_t *ret)
{
	while (byte_next(text, ' '))
		;
	return number_next(text, ret);
}

int idmap_add_lines(struct idmap *map, struct span text, struct diag *why)
{
	while (text.size > 0) {
		struct idmap_extent extent;
		int r;

		if (!number_after_spaces(&text, &extent.inside) ||
		    !number_after_spaces(&text, &extent.outside) ||
		    !number_after_spaces(&text, &extent.count) || !byte_next(&text, '\n'))
			return diag_set(why, -EUCLEAN, "the text is not a map of ids");
		if (extent.outside == IDMAP_NONE)
			continue;
		r = idmap_add(map, extent, why);
		if (r < 0)
			return r;
	}
	return 0;
}

void idmap_set_identity(struct idmap *ret)
{
	*ret = (struct idmap){.count = 1, .extents = {{.count = IDMAP_NONE}}};
}

bool idmap_is_identity(const struct idmap *map)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < map->count; i++) {
		const struct idmap_extent *extent = &map->extents[i];

		if (extent->inside != next || extent->outside != next)
			return false;
		next += extent->count;
	}
	return next == IDMAP_NONE;
}

/* Add what of an extent, as first maps it, second maps further. */
static int extent_compose(struct idmap_extent extent, const struct idmap *second, struct idmap *ret,
			  struct diag *why)
{
	int i = find_inside(second, extent.outside);

	for (i = i < 0 ? 0 : i; i < (int)second->count; i++) {
		const struct idmap_extent *next = &second->extents[i];
		uint64_t end = (uint64_t)extent.outside + extent.count;
		uint64_t next_end = (uint64_t)next->inside + next->count;
		uint32_t from = extent.outside > next->inside ? extent.outside : next->inside;
		uint64_t until = end < next_end ? end : next_end;
		int r;

		if (next->inside >= end)
			break;
		if (from >= until)
			continue;
		r = idmap_add(ret,
			      (struct idmap_extent){
				      .inside = extent.inside + (from - extent.outside),
				      .outside = next->outside + (from - next->inside),
				      .count = (uint32_t)(until - from),
			      },
			      why);
		if (r < 0)
			return r;
	}
	return 0;
}

int idmap_compose(const struct idmap *first, const struct idmap *second, struct idmap *ret,
		  struct diag *why)
{
	int r = 0;

	ret->count = 0;
	for (uint32_t i = 0; i < first->count && r == 0; i++)
		r = extent_compose(first->extents[i], second, ret, why);
	return r;
}

void idmap_of_inside(const struct idmap *map, struct idmap *ret)
{
	ret->count = map->count;
	for (uint32_t i = 0; i < map->count; i++) {
		ret->extents[i] = map->extents[i];
		ret->extents[i].outside = ret->extents[i].inside;
		ret->by_outside[i] = (uint16_t)i;
	}
}

int idmap_print(const struct idmap *map, struct buf *lines)
{
	int r = 0;

	for (uint32_t i = 0; i < map->count && r == 0; i++)
		r = buf_printf(lines, "%u %u %u\n", map->extents[i].inside, map->extents[i].outside,
			       map->extents[i].count);
	return r;
}
