/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Texts of id maps: what is taken obeys the rules of one, in both forms.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/idmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct idmap *map)
{
	uint64_t inside_end = 0, outside_end = 0;

	assert(map->count <= IDMAP_EXTENT_MAX);
	for (uint32_t i = 0; i < map->count; i++) {
		const struct idmap_extent *extent = &map->extents[i];
		const struct idmap_extent *out = &map->extents[map->by_outside[i]];
		uint32_t last = extent->count - 1;

		assert(extent->count > 0 && extent->inside >= inside_end &&
		       out->outside >= outside_end);
		inside_end = (uint64_t)extent->inside + extent->count;
		outside_end = (uint64_t)out->outside + out->count;
		assert(inside_end <= IDMAP_NONE && outside_end <= IDMAP_NONE);
		assert(idmap_to_outside(map, extent->inside + last) == extent->outside + last);
		assert(idmap_to_inside(map, extent->outside + last) == extent->inside + last);
	}
}

static void check_again(const struct idmap *map)
{
	CLEAN(buf_release) struct buf lines = {0};
	struct idmap again = {0};
	struct diag *why = NULL;

	if (idmap_print(map, &lines) < 0)
		return;
	assert(idmap_add_lines(&again, buf_span(&lines), why) == 0);
	assert(memcmp(map->extents, again.extents, map->count * sizeof(map->extents[0])) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(memory_freep) char *text = strndup((const char *)data, size);
	struct idmap lines = {0}, list = {0}, both;

	if (!text)
		return 0;
	(void)idmap_add_lines(&lines, span_of(data, size), NULL);
	(void)idmap_add_list(&list, text, NULL);
	check(&lines);
	check(&list);
	check_again(&lines);
	if (idmap_compose(&lines, &lines, &both, NULL) == 0)
		check(&both);
	return 0;
}
