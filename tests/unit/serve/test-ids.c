/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/diag.h"
#include "base/idmap.h"
#include "made.h"
#include "serve/ids.h"

static struct idmaps maps; /* uids 0 to 99 are 1000 to 1099, gids 2000 to 2099 */

static int set_up(void **state)
{
	(void)state;
	return idmap_add_list(&maps.uids, "0:1000:100", NULL) < 0 ||
	       idmap_add_list(&maps.gids, "0:2000:100", NULL) < 0;
}

static void ids_without_a_counterpart_are_none(void **state)
{
	(void)state;
	assert_int_equal(1005, ids_uid(&maps, 5));
	assert_int_equal(2005, ids_gid(&maps, 5));
	assert_int_equal(IDMAP_NONE, ids_uid(&maps, 100));
	assert_int_equal(IDMAP_NONE, ids_gid(&maps, 100));
	assert_int_equal(100, ids_uid(NULL, 100));
	assert_int_equal(100, ids_gid(NULL, 100));
}

static void only_some_xattrs_hold_ids(void **state)
{
	(void)state;
	assert_true(ids_are_in_xattr(SPAN_LITERAL("system.posix_acl_access")));
	assert_true(ids_are_in_xattr(SPAN_LITERAL("system.posix_acl_default")));
	assert_true(ids_are_in_xattr(SPAN_LITERAL("security.capability")));
	assert_false(ids_are_in_xattr(SPAN_LITERAL("security.capabilities")));
	assert_false(ids_are_in_xattr(SPAN_LITERAL("user.overlay.redirect")));
	assert_false(ids_are_in_xattr(SPAN_LITERAL("")));
}

static void assert_shifted(const char *name, const void *stored, size_t stored_size,
			   const void *shown, size_t shown_size)
{
	struct fuse_reply *reply = made_reply(256);
	struct span bytes;

	assert_int_equal(0, ids_reply_xattr(&maps, span_of_string(name),
					    span_of(stored, stored_size), reply));
	bytes = made_reply_bytes(reply);
	assert_int_equal(shown_size, bytes.size);
	assert_memory_equal(shown, bytes.data, shown_size);
}

#define ACL "system.posix_acl_access"
#define CAP "security.capability"

/* Each entry: tag, permissions, id, in little endian. */
static void acls_are_shifted_by_entry(void **state)
{
	static const uint8_t stored[] = {
		2,    0, 0, 0,                         /* version */
		0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* owner */
		0x02, 0, 4, 0, 5,    0,    0,    0,    /* uid 5 */
		0x02, 0, 4, 0, 100,  0,    0,    0,    /* uid 100: not mapped */
		0x04, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, /* owning group */
		0x08, 0, 6, 0, 7,    0,    0,    0,    /* gid 7 */
		0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* mask */
		0x20, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, /* others */
	};
	static const uint8_t shown[] = {
		2,    0,    0,    0,    0x01, 0,    6,    0,    0xff, 0xff,
		0xff, 0xff, 0x02, 0,    4,    0,    0xed, 0x03, 0,    0, /* 1005 */
		0x04, 0,    4,    0,    0xff, 0xff, 0xff, 0xff, 0x08, 0,
		6,    0,    0xd7, 0x07, 0,    0, /* 2007 */
		0x10, 0,    6,    0,    0xff, 0xff, 0xff, 0xff, 0x20, 0,
		4,    0,    0xff, 0xff, 0xff, 0xff,
	};

	(void)state;
	assert_shifted(ACL, stored, sizeof(stored), shown, sizeof(shown));
	assert_shifted("system.posix_acl_default", stored, sizeof(stored), shown, sizeof(shown));
}

static void what_is_malformed_stays_as_it_is(void **state)
{
	static const uint8_t bytes[64] = {3, 0, 0, 0, 0x02};
	static const uint8_t cut[] = {2, 0, 0, 0, 0x02, 0, 4, 0, 5, 0, 0};

	(void)state;
	for (size_t size = 0; size < sizeof(bytes); size++) {
		assert_shifted(ACL, bytes, size, bytes, size);
		assert_shifted(CAP, bytes, size, bytes, size);
	}
	assert_shifted(ACL, cut, sizeof(cut), cut, sizeof(cut));
	assert_shifted(ACL, cut, 4, cut, 4);
}

static void capabilities_are_of_the_root_of_the_container(void **state)
{
	static const uint8_t v2[20] = {1, 0, 0, 0x02, 0, 0x20};
	static const uint8_t v2_shown[24] = {1, 0, 0, 0x03, 0, 0x20, [20] = 0xe8, 0x03};
	static const uint8_t v3[24] = {1, 0, 0, 0x03, 0, 0x20, [20] = 7};
	static const uint8_t v3_shown[24] = {1, 0, 0, 0x03, 0, 0x20, [20] = 0xef, 0x03};
	static const uint8_t other[24] = {1, 0, 0, 0x03, 0, 0x20, [20] = 200};
	static const uint8_t nobody[24] = {1, 0, 0, 0x03, 0, 0x20, [20] = 0xff, 0xff, 0xff, 0xff};
	struct idmaps same = maps;

	(void)state;
	assert_shifted(CAP, v2, sizeof(v2), v2_shown, sizeof(v2_shown));
	assert_shifted(CAP, v3, sizeof(v3), v3_shown, sizeof(v3_shown));
	assert_shifted(CAP, other, sizeof(other), nobody, sizeof(nobody));

	/* Where root is root, revision 2 says so already. */
	maps = (struct idmaps){0};
	assert_int_equal(0, idmap_add_list(&maps.uids, "0:0:5", NULL));
	assert_shifted(CAP, v2, sizeof(v2), v2, sizeof(v2));
	maps = same;
}

static void there_has_to_be_room(void **state)
{
	static const uint8_t v2[20] = {1, 0, 0, 0x02};

	(void)state;
	assert_int_equal(-ERANGE, ids_reply_xattr(&maps, SPAN_LITERAL(CAP), span_of(v2, sizeof(v2)),
						  made_reply(20)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_without_a_counterpart_are_none),
		cmocka_unit_test(only_some_xattrs_hold_ids),
		cmocka_unit_test(acls_are_shifted_by_entry),
		cmocka_unit_test(what_is_malformed_stays_as_it_is),
		cmocka_unit_test(capabilities_are_of_the_root_of_the_container),
		cmocka_unit_test(there_has_to_be_room),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
