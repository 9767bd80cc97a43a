/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "ops/ids.h"
#include "ops/layers.h"
#include "ops/upper.h"

/* The paths of a list, each followed by "|". */
static int paths_join(const char *list, struct buf *ret)
{
	CLEAN(buf_release) struct buf path = {0};
	struct diag why = {0};
	const char *rest = list;
	int r;

	while ((r = layers_path_next(&rest, &path, &why)) > 0)
		assert_int_equal(0, buf_printf(ret, "%s|", buf_string(&path)));
	assert_true((r < 0) == (why.text[0] != '\0'));
	return r;
}

static void lists_are_cut_at_colons_that_are_not_escaped(void **state)
{
	static const struct {
		const char *list, *paths;
		int r;
	} cases[] = {
		{"a", "a|", 0},           {"a:b:/c/d", "a|b|/c/d|", 0},
		{"a\\:b:c", "a:b|c|", 0}, {"a\\\\:b", "a\\|b|", 0},
		{"\\:", ":|", 0},         {"\\a b", "a b|", 0},
		{"", "", -EINVAL},        {":", "", -EINVAL},
		{"a:", "a|", -EINVAL},    {"a::b", "a|", -EINVAL},
		{":a", "", -EINVAL},      {"a\\", "", -EINVAL},
		{"a:b\\", "a|", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEAN(buf_release) struct buf paths = {0};

		assert_int_equal(cases[i].r, paths_join(cases[i].list, &paths));
		assert_string_equal(cases[i].paths, buf_string(&paths));
	}
}

static void requests_that_make_no_sense_are_refused(void **state)
{
	static const char *const one[] = {"/", NULL}, *const none[] = {NULL};
	static const char *const identity[] = {"0:0:4294967295", NULL};
	static const struct {
		struct layers_overlay_request request;
		const char *text;
	} cases[] = {
		{{.lowers = NULL}, "--lower"},
		{{.lowers = none}, "--lower"},
		{{.lowers = one, .upper = "/"}, "go together"},
		{{.lowers = one, .work = "/"}, "go together"},
		{{.lowers = one, .userxattr = true, .metacopy = true}, "--metacopy"},
		{{.lowers = one, .ids = {.uids = one}}, "--uidmap"},
		{{.lowers = one, .ids = {.uids = identity, .userns = "1"}}, "--userns"},
	};
	const struct layers_idmap_request nothing = {
		.directory = "/", .target = "/", .ids = {.uids = identity}};
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(-EINVAL, layers_overlay(&cases[i].request, &why));
		assert_non_null(strstr(why.text, cases[i].text));
	}
	assert_int_equal(-EINVAL, layers_idmap(&nothing, &why));
	assert_non_null(strstr(why.text, "changes no id"));
}

static void an_upper_directory_needs_an_id_0(void **state)
{
	static const char *const without[] = {"1:100000:10", NULL};
	const struct ids_request request = {.uids = without};
	struct upper upper = UPPER_EMPTY;
	struct ids ids = IDS_NONE;
	struct diag why = {0};

	(void)state;
	assert_ok(ids_resolve(&request, &ids, &why), &why);
	assert_int_equal(-EINVAL, upper_idmap(&ids, -1, -1, -1, &upper, &why));
	assert_non_null(strstr(why.text, "no uid 0"));
	ids_release(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_cut_at_colons_that_are_not_escaped),
		cmocka_unit_test(requests_that_make_no_sense_are_refused),
		cmocka_unit_test(an_upper_directory_needs_an_id_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
