/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/idmap.h"

static struct idmap map_of(const char *list)
{
	struct idmap map = {0};
	struct diag why = {0};

	assert_ok(idmap_add_list(&map, list, &why), &why);
	return map;
}

static void an_empty_map_maps_nothing(void **state)
{
	struct idmap map = {0};

	(void)state;
	assert_int_equal(IDMAP_NONE, idmap_to_outside(&map, 0));
	assert_int_equal(IDMAP_NONE, idmap_to_inside(&map, 0));
	assert_int_equal(IDMAP_NONE, idmap_to_outside(&map, IDMAP_NONE));
	assert_false(idmap_is_identity(&map));
}

static void ids_have_counterparts_within_extents_only(void **state)
{
	struct idmap map = map_of("0:1000:1,1:100000:65536,70000:5:10");

	(void)state;
	assert_int_equal(1000, idmap_to_outside(&map, 0));
	assert_int_equal(100000, idmap_to_outside(&map, 1));
	assert_int_equal(165535, idmap_to_outside(&map, 65536));
	assert_int_equal(IDMAP_NONE, idmap_to_outside(&map, 65537));
	assert_int_equal(IDMAP_NONE, idmap_to_outside(&map, 69999));
	assert_int_equal(14, idmap_to_outside(&map, 70009));
	assert_int_equal(IDMAP_NONE, idmap_to_outside(&map, 70010));
	assert_int_equal(IDMAP_NONE, idmap_to_outside(&map, IDMAP_NONE));

	assert_int_equal(0, idmap_to_inside(&map, 1000));
	assert_int_equal(IDMAP_NONE, idmap_to_inside(&map, 999));
	assert_int_equal(IDMAP_NONE, idmap_to_inside(&map, 1001));
	assert_int_equal(70000, idmap_to_inside(&map, 5));
	assert_int_equal(65536, idmap_to_inside(&map, 165535));
	assert_int_equal(IDMAP_NONE, idmap_to_inside(&map, 165536));
	assert_int_equal(IDMAP_NONE, idmap_to_inside(&map, IDMAP_NONE));
}

static void identity_is_told_however_it_is_put(void **state)
{
	struct idmap map;

	(void)state;
	idmap_set_identity(&map);
	assert_true(idmap_is_identity(&map));
	assert_int_equal(IDMAP_NONE - 1, idmap_to_outside(&map, IDMAP_NONE - 1));
	assert_int_equal(IDMAP_NONE, idmap_to_outside(&map, IDMAP_NONE));
	map = map_of("1000:1000:4294966295,0:0:1000");
	assert_true(idmap_is_identity(&map));
	map = map_of("0:0:4294967294");
	assert_false(idmap_is_identity(&map));
	map = map_of("0:1:1,1:0:1,2:2:4294967293");
	assert_false(idmap_is_identity(&map));
}

static void assert_refused(const char *list, int err)
{
	struct idmap map = {0};
	struct diag why = {0};

	assert_int_equal(err, idmap_add_list(&map, list, &why));
	assert_true(why.text[0]);
}

static void what_the_kernel_refuses_is_refused(void **state)
{
	static const char *const forms[] = {
		"",
		"0",
		"0:0",
		"0:0:",
		":0:1",
		"0:0:1,",
		"0:0:1 ",
		"-1:0:1",
		"0:0:1:1",
		"0x0:0:1",
		"0:0:1;1:1:1",
		" 0:0:1",
		"a:b:c",
		"4294967296:0:1",
		"0:4294967296:1",
		"0:0:4294967296",
		"0:0:99999999999999999999",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		assert_refused(forms[i], -EINVAL);
	assert_refused("0:0:0", -EINVAL);
	assert_refused("4294967295:0:1", -EINVAL);
	assert_refused("0:4294967295:1", -EINVAL);
	assert_refused("1:0:4294967295", -EINVAL);
	assert_refused("0:1:4294967295", -EINVAL);
	assert_refused("0:0:10,9:100:1", -EEXIST);
	assert_refused("0:0:10,100:9:1", -EEXIST);
	assert_refused("10:10:10,0:100:11", -EEXIST);
	assert_refused("10:10:10,100:0:11", -EEXIST);
	assert_refused("10:10:10,5:100:100", -EEXIST);
	(void)map_of("4294967294:4294967294:1");
}

static void there_is_room_for_as_many_extents_as_in_the_kernel(void **state)
{
	struct idmap map = {0};
	struct diag why = {0};

	(void)state;
	/* Backwards inside, forwards outside. */
	for (uint32_t i = 0; i < IDMAP_EXTENT_MAX; i++)
		assert_ok(idmap_add(&map, (struct idmap_extent){100000 - 10 * i, 20 * i, 5}, &why),
			  &why);
	for (uint32_t i = 0; i < IDMAP_EXTENT_MAX; i++) {
		assert_int_equal(20 * i + 4, idmap_to_outside(&map, 100004 - 10 * i));
		assert_int_equal(100004 - 10 * i, idmap_to_inside(&map, 20 * i + 4));
		assert_int_equal(IDMAP_NONE, idmap_to_outside(&map, 100005 - 10 * i));
		assert_int_equal(IDMAP_NONE, idmap_to_inside(&map, 20 * i + 5));
	}
	assert_int_equal(-E2BIG, idmap_add(&map, (struct idmap_extent){0, 900000, 1}, &why));
}

static void lines_of_proc_are_read_and_written(void **state)
{
	static const char text[] =
		"         0       1000          1\n         1     100000      65536\n";
	CLEAN(buf_release) struct buf lines = {0};
	struct idmap map = {0}, initial = {0}, again = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(idmap_add_lines(&map, span_of_string(text), &why), &why);
	assert_int_equal(1000, idmap_to_outside(&map, 0));
	assert_int_equal(100001, idmap_to_outside(&map, 2));
	assert_int_equal(0, idmap_print(&map, &lines));
	assert_string_equal("0 1000 1\n1 100000 65536\n", buf_string(&lines));
	assert_ok(idmap_add_lines(&again, buf_span(&lines), &why), &why);
	assert_memory_equal(&map, &again, sizeof(map));

	assert_ok(
		idmap_add_lines(&initial, SPAN_LITERAL("         0          0 4294967295\n"), &why),
		&why);
	assert_true(idmap_is_identity(&initial));
	again = (struct idmap){0};
	assert_ok(idmap_add_lines(&again, SPAN_LITERAL("0 4294967295 5\n5 5 1\n"), &why), &why);
	assert_int_equal(IDMAP_NONE, idmap_to_outside(&again, 0));
	assert_int_equal(5, idmap_to_outside(&again, 5));
	assert_int_equal(-EUCLEAN, idmap_add_lines(&map, SPAN_LITERAL("5 6 7"), &why));
	assert_int_equal(-EUCLEAN, idmap_add_lines(&map, SPAN_LITERAL("5 6\n"), &why));
	assert_int_equal(-EUCLEAN, idmap_add_lines(&map, SPAN_LITERAL("5:6:7\n"), &why));
}

static void composing_keeps_what_both_have(void **state)
{
	struct idmap first = map_of("0:0:10,10:100:10"),
		     second = map_of("5:1005:10,105:2005:1,200:1:1");
	struct idmap both = {0}, exists, kept = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(idmap_compose(&first, &second, &both, &why), &why);
	for (uint32_t id = 0; id < 300; id++) {
		uint32_t between = idmap_to_outside(&first, id);
		uint32_t end =
			between == IDMAP_NONE ? IDMAP_NONE : idmap_to_outside(&second, between);

		assert_int_equal(end, idmap_to_outside(&both, id));
	}
	idmap_of_inside(&second, &exists);
	assert_ok(idmap_compose(&first, &exists, &kept, &why), &why);
	assert_int_equal(5, idmap_to_outside(&kept, 5));
	assert_int_equal(IDMAP_NONE, idmap_to_outside(&kept, 4));
	assert_int_equal(105, idmap_to_outside(&kept, 15));
	idmap_set_identity(&exists);
	assert_ok(idmap_compose(&first, &exists, &kept, &why), &why);
	assert_int_equal(109, idmap_to_outside(&kept, 19));
}

/* Against a plain array, over ids that are few enough to try all. */
#define SMALL 64

static void random_maps_are_those_of_an_array(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		uint32_t outside[SMALL], inside[SMALL];
		struct idmap map = {0};

		memset(outside, 0xff, sizeof(outside));
		memset(inside, 0xff, sizeof(inside));
		for (int tries = 0; tries < 12; tries++) {
			struct idmap_extent extent = {(uint32_t)rand_r(&seed) % SMALL,
						      (uint32_t)rand_r(&seed) % SMALL,
						      (uint32_t)rand_r(&seed) % 9};
			bool fits = extent.count > 0 && extent.inside + extent.count <= SMALL &&
				    extent.outside + extent.count <= SMALL;

			if (extent.count > 0 && !fits)
				continue;
			for (uint32_t i = 0; i < extent.count; i++)
				fits = fits && outside[extent.inside + i] == IDMAP_NONE &&
				       inside[extent.outside + i] == IDMAP_NONE;
			assert_int_equal(fits, idmap_add(&map, extent, NULL) == 0);
			for (uint32_t i = 0; fits && i < extent.count; i++) {
				outside[extent.inside + i] = extent.outside + i;
				inside[extent.outside + i] = extent.inside + i;
			}
		}
		for (uint32_t id = 0; id < SMALL; id++) {
			assert_int_equal(outside[id], idmap_to_outside(&map, id));
			assert_int_equal(inside[id], idmap_to_inside(&map, id));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_maps_nothing),
		cmocka_unit_test(ids_have_counterparts_within_extents_only),
		cmocka_unit_test(identity_is_told_however_it_is_put),
		cmocka_unit_test(what_the_kernel_refuses_is_refused),
		cmocka_unit_test(there_is_room_for_as_many_extents_as_in_the_kernel),
		cmocka_unit_test(lines_of_proc_are_read_and_written),
		cmocka_unit_test(composing_keeps_what_both_have),
		cmocka_unit_test(random_maps_are_those_of_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
