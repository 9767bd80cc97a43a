/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "ops/id_shorthand.h"

#define AUTO ID_SHORTHAND_AUTO
#define KEEP ID_SHORTHAND_KEEP
#define ROOT ID_SHORTHAND_ROOT

struct shorthand_case {
	enum id_shorthand shorthand;
	struct id_side side;
	const char *map; /* lines of "inside outside count", by inside */
};

#define RANGES(...)                                                     \
	{                                                               \
		.count = sizeof((struct subids_range[]){__VA_ARGS__}) / \
			 sizeof(struct subids_range),                   \
		.ranges = {                                             \
			__VA_ARGS__                                     \
		}                                                       \
	}
#define USER(...)                                                        \
	{                                                                \
		.own = 1000, .kept = 1000, .others = RANGES(__VA_ARGS__) \
	}
#define HOST_ROOT(...)                                                \
	{                                                             \
		.auto_lacks_own = true, .others = RANGES(__VA_ARGS__) \
	}
/* Root of the namespace that "podman unshare" or ourselves make for uid 1000. */
#define INSIDE(...)                                         \
	{                                                   \
		.kept = 1000, .others = RANGES(__VA_ARGS__) \
	}

static const struct shorthand_case cases[] = {
	/* a user of the host */
	{ROOT, {.own = 1000, .kept = 1000}, "0 1000 1\n"},
	{AUTO, {.own = 1000, .kept = 1000}, "0 1000 1\n"},
	{KEEP, {.own = 1000, .kept = 1000}, "1000 1000 1\n"},
	{ROOT, USER({100000, 65536}), "0 1000 1\n"},
	{AUTO, USER({100000, 65536}), "0 1000 1\n1 100000 65536\n"},
	{KEEP, USER({100000, 65536}), "0 100000 1000\n1000 1000 1\n1001 101000 64536\n"},
	/* ranges in the order of the file, each an extent */
	{AUTO, USER({300000, 10}, {100000, 5}), "0 1000 1\n1 300000 10\n11 100000 5\n"},
	{KEEP, USER({300000, 10}, {100000, 5}), "0 300000 10\n10 100000 5\n1000 1000 1\n"},
	/* fewer than are below, exactly as many, one more */
	{KEEP, USER({100000, 999}), "0 100000 999\n1000 1000 1\n"},
	{KEEP, USER({100000, 1000}), "0 100000 1000\n1000 1000 1\n"},
	{KEEP, USER({100000, 1001}), "0 100000 1000\n1000 1000 1\n1001 101000 1\n"},
	/* the own number falls between two ranges, and into the second */
	{KEEP, USER({100000, 1000}, {7, 3}), "0 100000 1000\n1000 1000 1\n1001 7 3\n"},
	{KEEP, USER({100000, 600}, {200000, 600}),
	 "0 100000 600\n600 200000 400\n1000 1000 1\n1001 200400 200\n"},
	/* own among the subordinate ones: at the start, in the middle, at the end, alone */
	{AUTO, USER({1000, 3}), "0 1000 1\n1 1001 2\n"},
	{AUTO, USER({998, 5}), "0 1000 1\n1 998 2\n3 1001 2\n"},
	{AUTO, USER({998, 3}), "0 1000 1\n1 998 2\n"},
	{AUTO, USER({1000, 1}), "0 1000 1\n"},
	{KEEP, USER({500, 1000}), "0 500 500\n500 1001 499\n1000 1000 1\n"},
	/* numbers end at 2^32 - 2 */
	{AUTO, USER({0, IDMAP_NONE}), "0 1000 1\n1 0 1000\n1001 1001 4294966294\n"},
	{KEEP,
	 {.own = 5, .kept = IDMAP_NONE - 1, .others = RANGES({0, IDMAP_NONE})},
	 "0 0 5\n5 6 4294967289\n4294967294 5 1\n"},
	{AUTO,
	 {.own = 4294967294U, .others = RANGES({4294967290U, 4})},
	 "0 4294967294 1\n1 4294967290 4\n"},
	/* a user with number 0 or 1 */
	{KEEP, {.own = 1, .kept = 1, .others = RANGES({100, 5})}, "0 100 1\n1 1 1\n2 101 4\n"},
	/* root of the host */
	{ROOT, HOST_ROOT({100000, 65536}), "0 0 1\n"},
	{AUTO, HOST_ROOT({100000, 65536}), "0 100000 65536\n"},
	{AUTO, HOST_ROOT({100000, 10}, {7, 1}), "0 100000 10\n10 7 1\n"},
	{AUTO, HOST_ROOT({0, 10}), "0 1 9\n"},
	{KEEP, HOST_ROOT({100000, 65536}), "0 0 1\n1 100000 65536\n"},
	{ROOT, {.auto_lacks_own = true}, "0 0 1\n"},
	{KEEP, {.auto_lacks_own = true}, "0 0 1\n"},
	/* in a user namespace, as podman's --userns=keep-id has it */
	{ROOT, INSIDE({0, 1}, {1, 65536}), "0 0 1\n"},
	{AUTO, INSIDE({0, 1}, {1, 65536}), "0 0 1\n1 1 65536\n"},
	{KEEP, INSIDE({0, 1}, {1, 65536}), "0 1 1000\n1000 0 1\n1001 1001 64536\n"},
	{AUTO, INSIDE({0, 1}), "0 0 1\n"},
	{KEEP, INSIDE({0, 1}), "1000 0 1\n"},
	/* there, as another user than root */
	{AUTO, {.own = 3, .kept = 103, .others = RANGES({0, 10})}, "0 3 1\n1 0 3\n4 4 6\n"},
	{KEEP, {.own = 3, .kept = 5, .others = RANGES({0, 10})}, "0 0 3\n3 4 2\n5 3 1\n6 6 4\n"},
};

static void maps_are_those_of_the_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEAN(buf_release) struct buf lines = {0};
		struct diag why = {0};
		struct idmap map;
		int r = id_shorthand_compute(cases[i].shorthand, &cases[i].side, &map, &why);

		if (r < 0)
			fail_msg("case %zu: %s", i, diag_text(&why, r));
		assert_int_equal(0, idmap_print(&map, &lines));
		assert_string_equal(cases[i].map, buf_string(&lines));
	}
}

static void no_ids_at_all_are_an_error(void **state)
{
	const struct id_side side = {.auto_lacks_own = true};
	struct idmap map = {.count = 77};

	(void)state;
	assert_int_equal(-ENOENT, id_shorthand_compute(AUTO, &side, &map, NULL));
	assert_int_equal(77, map.count);
}

static void more_extents_than_the_kernel_takes_are_an_error(void **state)
{
	struct id_side side = {.own = 1000000, .kept = 1000000};
	struct diag why = {0};
	struct idmap map;

	(void)state;
	side.others.count = SUBIDS_RANGE_MAX - 1;
	for (uint32_t i = 0; i < SUBIDS_RANGE_MAX; i++)
		side.others.ranges[i] = (struct subids_range){2 * i, 1};
	assert_int_equal(0, id_shorthand_compute(AUTO, &side, &map, &why));
	side.others.count = SUBIDS_RANGE_MAX;
	assert_int_equal(-E2BIG, id_shorthand_compute(AUTO, &side, &map, &why));
	assert_non_null(strstr(why.text, "340 extents"));
	assert_int_equal(0, id_shorthand_compute(ROOT, &side, &map, &why));
}

static void names_are_three(void **state)
{
	enum id_shorthand shorthand = ID_SHORTHAND_NONE;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, id_shorthand_by_name("auto", &shorthand, &why));
	assert_int_equal(AUTO, shorthand);
	assert_int_equal(0, id_shorthand_by_name("keep-id", &shorthand, &why));
	assert_int_equal(KEEP, shorthand);
	assert_int_equal(0, id_shorthand_by_name("root", &shorthand, &why));
	assert_int_equal(ROOT, shorthand);
	assert_int_equal(-EINVAL, id_shorthand_by_name("none", &shorthand, &why));
	assert_non_null(strstr(why.text, "auto, keep-id or root, not 'none'"));
	assert_int_equal(-EINVAL, id_shorthand_by_name("", &shorthand, NULL));
	assert_int_equal(ROOT, shorthand);
}

/* Here: whoever runs the tests, his own id is in the map and nothing was read wrong. */
static void this_process_has_a_map(void **state)
{
	struct diag why = {0};
	struct idmaps maps;

	(void)state;
	assert_int_equal(0, id_shorthand_maps(ROOT, &maps, &why));
	assert_int_equal(1, maps.uids.count);
	assert_int_equal(geteuid(), idmap_to_outside(&maps.uids, 0));
	assert_int_equal(getegid(), idmap_to_outside(&maps.gids, 0));
	assert_int_equal(0, id_shorthand_maps(KEEP, &maps, &why));
	assert_int_not_equal(IDMAP_NONE, idmap_to_inside(&maps.uids, geteuid()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_those_of_the_names),
		cmocka_unit_test(no_ids_at_all_are_an_error),
		cmocka_unit_test(more_extents_than_the_kernel_takes_are_an_error),
		cmocka_unit_test(names_are_three),
		cmocka_unit_test(this_process_has_a_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
