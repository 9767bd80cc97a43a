/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/diag.h"
#include "oci/container_user.h"
#include "oci/passwd.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "no colons here\n"
			     "bad:x:4294967295:1::/:\n"
			     "bad:x:-1:1::/:\n"
			     "extra:x:1:1::/:/bin/sh:more\n"
			     "web:x:33:330:Web:/srv/web:/bin/false\n"
			     "web:x:34:34:second:/x:\n"
			     "77:x:78:79::/seventy:\n"
			     "last:x:100:101::/last:/bin/sh"; /* no newline */

static const char groups[] = "root:x:0:\nadm:x:4:web,root\nwww:x:330:web\nmail:x:8:webmaster,xweb\n"
			     "bad:x:zz:web\nadm2:x:4:web\ndisk:x:6:a,web";

static int find(const char *text, struct container_user *ret, struct diag *why)
{
	return container_user_find(text, SPAN_LITERAL(passwd), SPAN_LITERAL(groups), ret, why);
}

static void assert_user(const char *text, uint32_t uid, uint32_t gid, size_t additional,
			const char *home)
{
	struct container_user user;
	struct diag why = {0};

	assert_ok(find(text, &user, &why), &why);
	assert_int_equal(uid, user.uid);
	assert_int_equal(gid, user.gid);
	assert_int_equal(additional, user.additional_gid_count);
	if (home)
		assert_string_equal(home, user.home);
	else
		assert_null(user.home);
	container_user_release(&user);
}

static void a_user_is_a_name_or_a_number(void **state)
{
	(void)state;
	assert_user(NULL, 0, 0, 1, "/root");
	assert_user("", 0, 0, 1, "/root");
	assert_user("root", 0, 0, 1, "/root");
	assert_user("33", 33, 330, 3, "/srv/web");
	assert_user("last", 100, 101, 0, "/last");
	assert_user("12345", 12345, 0, 0, NULL);  /* nobody knows him */
	assert_user("77", 78, 79, 0, "/seventy"); /* a name of digits is a name */
}

static void groups_are_those_that_list_the_user(void **state)
{
	struct container_user user;

	(void)state;
	assert_int_equal(0, find("web", &user, NULL));
	assert_int_equal(3, user.additional_gid_count); /* each once, and no part of a name */
	assert_int_equal(4, user.additional_gids[0]);
	assert_int_equal(330, user.additional_gids[1]);
	assert_int_equal(6, user.additional_gids[2]);
	container_user_release(&user);
}

static void a_group_that_is_given_is_the_only_one(void **state)
{
	(void)state;
	assert_user("web:mail", 33, 8, 0, "/srv/web");
	assert_user("web:4000", 33, 4000, 0, "/srv/web");
	assert_user(":adm", 0, 4, 0, "/root");
	assert_user("9:9", 9, 9, 0, NULL);
}

static void assert_refused(int error, const char *text)
{
	struct container_user user = {.uid = 4242};
	struct diag why = {0};

	assert_int_equal(error, find(text, &user, &why));
	assert_int_not_equal(0, why.text[0]);
	assert_int_equal(4242, user.uid);
}

static void who_is_not_there_is_refused(void **state)
{
	(void)state;
	assert_refused(-ENOENT, "nobody");
	assert_refused(-ENOENT, "bad"); /* its ids are none */
	assert_refused(-ENOENT, "extra");
	assert_refused(-ENOENT, "web:nogroup");
	assert_refused(-ENOENT, "-1");
	assert_refused(-EINVAL, "web:");
	assert_refused(-EINVAL, "4294967295");
	assert_refused(-EINVAL, "99999999999999999999");
}

static void an_image_without_the_files_has_numbers_only(void **state)
{
	struct container_user user;

	(void)state;
	assert_int_equal(0, container_user_find("5:6", SPAN_EMPTY, SPAN_EMPTY, &user, NULL));
	assert_int_equal(5, user.uid);
	assert_int_equal(6, user.gid);
	assert_int_equal(-ENOENT, container_user_find("root", SPAN_EMPTY, SPAN_EMPTY, &user, NULL));
}

static void long_lines_are_passed_over(void **state)
{
	static char text[PASSWD_LINE_SIZE_MAX + 100];
	struct passwd_user user;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(text) - 20, "\na:x:1:2::/a:/sh", 16);
	text[sizeof(text) - 4] = '\n';
	assert_true(passwd_find(span_of(text, sizeof(text)), SPAN_LITERAL("a"), 0, &user));
	assert_int_equal(2, user.gid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_is_a_name_or_a_number),
		cmocka_unit_test(groups_are_those_that_list_the_user),
		cmocka_unit_test(a_group_that_is_given_is_the_only_one),
		cmocka_unit_test(who_is_not_there_is_refused),
		cmocka_unit_test(an_image_without_the_files_has_numbers_only),
		cmocka_unit_test(long_lines_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
