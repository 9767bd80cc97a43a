/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * /etc/subuid, and the maps made of it: no id twice, on either side. The same bytes as
 * nsswitch.conf.
 */
#include <assert.h>
#include <stdint.h>

#include "base/idmap.h"
#include "mount/subid_source.h"
#include "mount/subids.h"
#include "ops/id_shorthand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct subids *ids)
{
	assert(ids->count <= SUBIDS_RANGE_MAX);
	for (uint32_t i = 0; i < ids->count; i++) {
		const struct subids_range *range = &ids->ranges[i];

		assert(range->count > 0 && (uint64_t)range->start + range->count <= UINT32_MAX);
	}
}

static void check_map(enum id_shorthand shorthand, struct id_side *side, uint32_t inside)
{
	struct idmap map;

	if (id_shorthand_compute(shorthand, side, &map, NULL) < 0)
		return;
	assert(idmap_to_outside(&map, inside) == side->own);
	assert(idmap_to_inside(&map, side->own) == inside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct id_side side = {.own = 1000, .kept = 3};

	(void)subid_source_is_library(span_of(data, size));
	if (subids_parse(span_of(data, size), "me", 1000, &side.others, NULL) < 0)
		return 0;
	check(&side.others);
	check_map(ID_SHORTHAND_ROOT, &side, 0);
	check_map(ID_SHORTHAND_AUTO, &side, 0);
	check_map(ID_SHORTHAND_KEEP, &side, 3);
	return 0;
}
