/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/id_shorthand.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "mount/subid_source.h"
#include "mount/userns.h"
#include "mount/userns_maps.h"

/* Whose subordinate ids root gives to containers (containers-storage.conf(5),
 * "root-auto-userns-user"). */
#define CONTAINERS_USER "containers"

int id_shorthand_by_name(const char *name, enum id_shorthand *ret, struct diag *why)
{
	static const struct {
		const char *name;
		enum id_shorthand shorthand;
	} names[] = {
		{"auto", ID_SHORTHAND_AUTO},
		{"keep-id", ID_SHORTHAND_KEEP},
		{"root", ID_SHORTHAND_ROOT},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, name) == 0) {
			*ret = names[i].shorthand;
			return 0;
		}
	}
	return diag_set(why, -EINVAL, "is " ID_SHORTHAND_NAMES ", not '%s'", name);
}

/* The ids inside that are still to be given, in order; one may be taken already. */
struct hand {
	struct idmap *map;
	uint32_t next;
	uint32_t taken; /* IDMAP_NONE: none is */
};

static int hand_out(struct hand *hand, uint32_t start, uint32_t count, struct diag *why)
{
	while (count > 0) {
		struct idmap_extent extent = {.outside = start};
		uint32_t room;
		int r;

		if (hand->next == hand->taken && hand->taken != IDMAP_NONE)
			hand->next++;
		extent.inside = hand->next;
		room = (hand->next < hand->taken ? hand->taken : IDMAP_NONE) - hand->next;
		extent.count = count < room ? count : room;
		if (extent.count == 0)
			return 0; /* all numbers are given */
		r = idmap_add(hand->map, extent, why);
		if (r < 0)
			return r;
		hand->next += extent.count;
		start += extent.count;
		count -= extent.count;
	}
	return 0;
}

/* A range but for one id. */
static int hand_out_without(struct hand *hand, struct subids_range range, uint32_t id,
			    struct diag *why)
{
	uint32_t before = id - range.start; /* ids of the range below it */
	int r;

	if (id < range.start || before >= range.count)
		return hand_out(hand, range.start, range.count, why);
	r = hand_out(hand, range.start, before, why);
	return r < 0 ? r : hand_out(hand, id + 1, range.count - before - 1, why);
}

int id_shorthand_compute(enum id_shorthand shorthand, const struct id_side *side, struct idmap *ret,
			 struct diag *why)
{
	bool has_own = shorthand != ID_SHORTHAND_AUTO || !side->auto_lacks_own;
	uint32_t place = shorthand == ID_SHORTHAND_KEEP ? side->kept : 0;
	struct idmap map = {0};
	struct hand hand = {.map = &map, .taken = has_own ? place : IDMAP_NONE};
	uint32_t count = shorthand == ID_SHORTHAND_ROOT ? 0 : side->others.count;
	int r = 0;

	if (has_own) {
		const struct idmap_extent own = {place, side->own, 1};

		r = idmap_add(&map, own, why);
	}
	for (uint32_t i = 0; i < count && r == 0; i++)
		r = hand_out_without(&hand, side->others.ranges[i], side->own, why);
	if (r == 0 && map.count == 0)
		r = diag_set(why, -ENOENT, "there are no subordinate ids");
	if (r == 0)
		*ret = map;
	return r;
}

/* The subordinate ids of whoever we are on the host. */
static int others_read(enum subid_kind kind, uid_t uid, const char *name, struct subids *ret,
		       struct diag *why)
{
	int r;

	if (uid != 0)
		return subid_source_read(kind, name, uid, ret, why);
	r = subid_source_read(kind, CONTAINERS_USER, (uid_t)-1, ret, why);
	if (r < 0 || ret->count > 0)
		return r;
	return subid_source_read(kind, name ? name : "root", uid, ret, why);
}

static int sides_of_host(struct id_side *uids, struct id_side *gids, struct diag *why)
{
	uid_t uid = geteuid();
	CLEAN(memory_freep) char *name = subids_user_name(uid);
	int r;

	uids->own = uids->kept = uid;
	gids->own = gids->kept = getegid();
	uids->auto_lacks_own = gids->auto_lacks_own = uid == 0;
	r = others_read(SUBID_UIDS, uid, name, &uids->others, why);
	return r < 0 ? r : others_read(SUBID_GIDS, uid, name, &gids->others, why);
}

static int side_of_namespace(const struct idmap *map, uint32_t own, struct id_side *ret,
			     struct diag *why)
{
	_Static_assert(SUBIDS_RANGE_MAX >= IDMAP_EXTENT_MAX, "an extent is a range");
	ret->own = own;
	ret->kept = idmap_to_outside(map, own);
	if (ret->kept == IDMAP_NONE)
		return diag_set(why, -EINVAL,
				"this process runs as an id that does not exist in its user "
				"namespace");
	ret->others.count = map->count;
	for (uint32_t i = 0; i < map->count; i++)
		ret->others.ranges[i] =
			(struct subids_range){map->extents[i].inside, map->extents[i].count};
	return 0;
}

static int sides_of_namespace(struct id_side *uids, struct id_side *gids, struct diag *why)
{
	struct idmaps own;
	int r = userns_own_maps(&own, why);

	if (r == 0)
		r = side_of_namespace(&own.uids, geteuid(), uids, why);
	return r < 0 ? r : side_of_namespace(&own.gids, getegid(), gids, why);
}

int id_shorthand_maps(enum id_shorthand shorthand, struct idmaps *ret, struct diag *why)
{
	struct id_side uids = {0}, gids = {0};
	struct idmaps maps;
	bool is_host = userns_is_initial();
	int r;

	r = is_host ? sides_of_host(&uids, &gids, why) : sides_of_namespace(&uids, &gids, why);
	if (r < 0)
		return r;
	r = id_shorthand_compute(shorthand, &uids, &maps.uids, why);
	if (r == 0)
		r = id_shorthand_compute(shorthand, &gids, &maps.gids, why);
	if (r == -ENOENT)
		return diag_set(why, r,
				"root has no ids to give: " SUBIDS_UIDS_PATH
				" and " SUBIDS_GIDS_PATH " need a line such as '" CONTAINERS_USER
				":1000000:65536'");
	if (r == 0)
		*ret = maps;
	return r;
}
