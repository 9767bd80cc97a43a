/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "cli/option.h"

struct options {
	const char *text;
	uint64_t number;
	struct option_list list;
	bool flag;
};

static const struct option_row rows[] = {
	{"flag", 'f', OPTION_FLAG, offsetof(struct options, flag), NULL, "a flag"},
	{"text", 't', OPTION_TEXT, offsetof(struct options, text), "T", "a text"},
	{"number", 0, OPTION_NUMBER, offsetof(struct options, number), "N", "a number"},
	{"list", 0, OPTION_LIST, offsetof(struct options, list), "L", "a list"},
	{NULL, 0, OPTION_FLAG, 0, NULL, NULL},
};
static const struct option_table table = {"test", rows};

#define COUNT(...) ((int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)))
#define PARSE(ret, ...)                               \
	options_parse(&table, 1 + COUNT(__VA_ARGS__), \
		      (char **)(const char *[]){"test", __VA_ARGS__, NULL}, ret)

static void fills_every_kind_of_field(void **state)
{
	struct options options = {0};

	(void)state;
	assert_int_equal(
		7, PARSE(&options, "-f", "--text=a", "--number", "12", "--list=x", "--list=y"));
	assert_true(options.flag);
	assert_string_equal("a", options.text);
	assert_int_equal(12, options.number);
	assert_int_equal(2, options.list.count);
	assert_string_equal("y", options.list.items[1]);
	assert_null(options.list.items[2]);
}

static void finds_operands_between_options(void **state)
{
	struct options options = {0};
	const char *argv[] = {"test", "one", "--flag", "two", "--", "--text", NULL};

	(void)state;
	assert_int_equal(3, options_parse(&table, 6, (char **)argv, &options));
	assert_string_equal("one", argv[3]);
	assert_string_equal("two", argv[4]);
	assert_string_equal("--text", argv[5]);
	assert_null(options.text);
}

static void leaves_the_options_of_a_command_alone(void **state)
{
	const struct option_table ends = {"test", rows, .ends_at_operand = true};
	struct options options = {0};
	const char *argv[] = {"test", "--text", "a", "ls", "--flag", "-x", NULL};
	const char *missing[] = {"test", "--text", NULL};

	(void)state;
	assert_int_equal(3, options_parse(&ends, 6, (char **)argv, &options));
	assert_string_equal("a", options.text);
	assert_false(options.flag);
	assert_string_equal("ls", argv[3]);
	assert_string_equal("--flag", argv[4]);
	assert_int_equal(-EINVAL, options_parse(&ends, 2, (char **)missing, &options));
}

static void refuses_what_is_not_in_the_table(void **state)
{
	struct options options = {0};

	(void)state;
	assert_int_equal(-EINVAL, PARSE(&options, "--bogus"));
	assert_int_equal(-EINVAL, PARSE(&options, "-x"));
	assert_int_equal(-EINVAL, PARSE(&options, "--text"));
	assert_int_equal(-EINVAL, PARSE(&options, "-t"));
	assert_int_equal(-EINVAL, PARSE(&options, "--flag=1"));
}

static void refuses_what_is_no_number(void **state)
{
	struct options options = {.number = 5};

	(void)state;
	assert_int_equal(-EINVAL, PARSE(&options, "--number=-1"));
	assert_int_equal(-EINVAL, PARSE(&options, "--number=1x"));
	assert_int_equal(-EINVAL, PARSE(&options, "--number="));
	assert_int_equal(-EINVAL, PARSE(&options, "--number=99999999999999999999"));
	assert_int_equal(2, PARSE(&options, "--number=18446744073709551615"));
	assert_true(options.number == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_every_kind_of_field),
		cmocka_unit_test(finds_operands_between_options),
		cmocka_unit_test(leaves_the_options_of_a_command_alone),
		cmocka_unit_test(refuses_what_is_not_in_the_table),
		cmocka_unit_test(refuses_what_is_no_number),
	};

	return cmocka_run_group_tests_name("cli/option", tests, NULL, NULL);
}
