/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <sys/mount.h>

#include "cli/attributes.h"

static uint64_t after(uint64_t attributes, const char *word)
{
	assert_true(attribute_apply(span_of_string(word), &attributes));
	return attributes;
}

static void words_set_and_their_opposites_clear(void **state)
{
	uint64_t all = 0;

	(void)state;
	all = after(all, "nosuid");
	all = after(all, "nodev");
	all = after(all, "noexec");
	all = after(all, "ro");
	assert_true(all ==
		    (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY));
	assert_true(after(all, "exec") == (all & ~(uint64_t)MOUNT_ATTR_NOEXEC));
	assert_true(after(all, "rw") == (all & ~(uint64_t)MOUNT_ATTR_RDONLY));
	assert_true(after(all, "defaults") == all);
	assert_true(after(0, "nosymfollow") == 0x200000);
}

static void access_times_are_one_choice(void **state)
{
	(void)state;
	assert_true(after(after(0, "noatime"), "strictatime") == MOUNT_ATTR_STRICTATIME);
	assert_true(after(after(0, "strictatime"), "relatime") == 0);
	assert_true(after(after(0, "noatime"), "nodiratime") ==
		    (MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME));
}

static void other_words_change_nothing(void **state)
{
	static const char *const words[] = {"", "nosui", "nosuidx", "basedir", "NOSUID"};
	uint64_t attributes = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_false(attribute_apply(span_of_string(words[i]), &attributes));
	assert_true(attributes == 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_set_and_their_opposites_clear),
		cmocka_unit_test(access_times_are_one_choice),
		cmocka_unit_test(other_words_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
