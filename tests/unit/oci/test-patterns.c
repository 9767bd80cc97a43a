/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/patterns.h"

static int add(struct patterns *patterns, const char *regex, struct diag *why)
{
	return patterns_add(patterns, span_of_string(regex), PATTERN_ANY_TAG, why);
}

/* The number of the pattern that matches, or -1. */
static int match(struct patterns *patterns, const char *text, uint8_t tag)
{
	struct diag why = {0};
	size_t number = 0;
	int r = patterns_match(patterns, span_of_string(text), tag, &number, &why);

	assert_true(r == 0 || r == 1);
	return r == 1 ? (int)number : -1;
}

static bool matches(const char *regex, const char *text)
{
	CLEAN(patterns_freep) struct patterns *patterns = NULL;
	struct diag why = {0};

	assert_int_equal(0, patterns_new(&patterns));
	assert_ok(add(patterns, regex, &why), &why);
	return match(patterns, text, '-') == 0;
}

static void matches_whole_texts_only(void **state)
{
	static const struct {
		const char *regex;
		const char *texts;  /* that match, a space behind each */
		const char *others; /* that do not */
	} cases[] = {
		{"/usr(/.*)?", "/usr /usr/ /usr/a/b ", "/us /usrx /usr2/a x/usr "},
		{"/lib(64|x32)?", "/lib /lib64 /libx32 ", "/lib32 /lib6 /lib6464 "},
		{"a|bc|", "a bc ", "b ab abc "},
		{"(a|b)(c|d)", "ac bd ", "ab cd a "},
		{"a*b+c?", "b abc aabbc bb ", "a ac c bcc "},
		{"a{2}", "aa ", "a aaa "},
		{"a{2,}", "aa aaa aaaaaa ", "a "},
		{"a{1,3}", "a aa aaa ", "b aaaa "},
		{"(ab?){0,2}c", "c ac abc abac aac ", "ababac ab "},
		{"a{0}b", "b ", "ab "},
		{"(a*)*b", "b aaab ", "a ba "},
		{"((a?)+)+", "a aaaa ", "b "},
		{"(x+x+)+y", "xxy xxxxxxy ", "xy xxx "},
		{"a*?b??", "b aab a ", "bb "},
		{"[a-c]+", "abc c ", "d abcd "},
		{"[^/]+", "abc \n ", "a/b / "},
		{"[]a]", "] a ", "b "},
		{"[^]a]", "b ", "] a "},
		{"[-a]", "- a ", "b "},
		{"[a-]", "- a ", "b "},
		{"[\\]\\-]", "] - ", "\\ "},
		{"[[:digit:]x]+", "0x9 ", "a "},
		{"[[:^digit:]]", "a ", "1 "},
		{"[[:alpha:][:punct:]]+", "a.Z~ ", "1 "},
		{"\\d\\D\\w\\W\\S", "1a_-x ", "a1_-x 11_-x "},
		{"[\\d.]+", "1.5 ", "a "},
		{"a\\.b", "a.b ", "axb "},
		{"\\x2f\\+\\*\\/", "/+*/ ", "/ "},
		{".", "a \x01 \xff ", "ab "},
		{"^/a", "/a ", "a "},
		{"(^a|b^)", "a ", "b "},
		{"a$", "", "a a$ "},
		{"(?:ab)+", "ab abab ", "a "},
		{"\xc3\xa9+", "\xc3\xa9 \xc3\xa9\xc3\xa9 ", "\xc3\xa9\xa9 "},
		{"}]", "}] ", "} "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int side = 0; side < 2; side++) {
			const char *at = side == 0 ? cases[i].texts : cases[i].others;

			for (; *at; at = strchr(at, ' ') + 1) {
				char text[64] = "";

				memcpy(text, at, strcspn(at, " "));
				if (matches(cases[i].regex, text) != (side == 0))
					fail_msg("'%s' and '%s'", cases[i].regex, text);
			}
		}
	}
	assert_true(matches("", ""));
	assert_false(matches("a", ""));
	assert_true(matches("(|a)*", ""));
}

static void the_last_pattern_of_the_right_tag_counts(void **state)
{
	CLEAN(patterns_freep) struct patterns *patterns = NULL;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, patterns_new(&patterns));
	assert_ok(add(patterns, "/.*", &why), &why);
	assert_ok(patterns_add(patterns, SPAN_LITERAL("/dev/.*"), 'c', &why), &why);
	assert_ok(add(patterns, "/dev/null", &why), &why);
	assert_ok(patterns_add(patterns, SPAN_LITERAL("/dev/null"), 'b', &why), &why);
	assert_int_equal(0, match(patterns, "/dev/x", '-'));
	assert_int_equal(1, match(patterns, "/dev/x", 'c'));
	assert_int_equal(2, match(patterns, "/dev/null", 'c'));
	assert_int_equal(3, match(patterns, "/dev/null", 'b'));
	assert_int_equal(-1, match(patterns, "dev", 'b'));
}

static void refuses_what_is_no_pattern_or_of_another_kind(void **state)
{
	static const struct {
		const char *regex;
		int error;
	} cases[] = {
		{"(", -EUCLEAN},
		{"a)", -EUCLEAN},
		{"*", -EUCLEAN},
		{"a|+", -EUCLEAN},
		{"(?)", -EOPNOTSUPP},
		{"{2}", -EUCLEAN},
		{"a{", -EUCLEAN},
		{"a{}", -EUCLEAN},
		{"a{2", -EUCLEAN},
		{"a{,2}", -EUCLEAN},
		{"a{3,2}", -EUCLEAN},
		{"a{1001}", -EUCLEAN},
		{"a{99999999999999999999}", -EUCLEAN},
		{"[", -EUCLEAN},
		{"[]", -EUCLEAN},
		{"[a", -EUCLEAN},
		{"[z-a]", -EUCLEAN},
		{"[a-\\d]", -EUCLEAN},
		{"[a-", -EUCLEAN},
		{"[[:nothing:]]", -EUCLEAN},
		{"[[a]]", -EOPNOTSUPP},
		{"[a&&b]", -EOPNOTSUPP},
		{"[a--b]", -EOPNOTSUPP},
		{"[\xc3\xa9]", -EOPNOTSUPP},
		{"\\", -EUCLEAN},
		{"[\\", -EUCLEAN},
		{"\\x2", -EUCLEAN},
		{"\\bx", -EOPNOTSUPP},
		{"(a)\\1", -EOPNOTSUPP},
		{"(?=a)", -EOPNOTSUPP},
		{"(?i)a", -EOPNOTSUPP},
		{"(((((a{1000}){1000}){1000}){1000}){1000})", -E2BIG},
		{"(((((){1000}){1000}){1000}){1000}){1000}", -E2BIG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEAN(patterns_freep) struct patterns *patterns = NULL;
		struct diag why = {0};
		int r;

		assert_int_equal(0, patterns_new(&patterns));
		r = add(patterns, cases[i].regex, &why);
		if (r != cases[i].error)
			fail_msg("'%s': %d, %s", cases[i].regex, r, why.text);
		assert_true(why.text[0] != '\0');
	}
}

static void groups_are_as_deep_as_the_limit(void **state)
{
	char text[2 * PATTERN_DEPTH_MAX + 4] = "";

	(void)state;
	for (int depth = PATTERN_DEPTH_MAX; depth <= PATTERN_DEPTH_MAX + 1; depth++) {
		CLEAN(patterns_freep) struct patterns *patterns = NULL;
		struct diag why = {0};

		memset(text, '(', (size_t)depth);
		memset(text + depth, ')', (size_t)depth);
		text[2 * depth] = '\0';
		assert_int_equal(0, patterns_new(&patterns));
		assert_int_equal(depth > PATTERN_DEPTH_MAX ? -E2BIG : 0, add(patterns, text, &why));
	}
}

/* Every second state is forgotten, and each answer is the same. */
static void forgetting_states_changes_no_answer(void **state)
{
	static const size_t limits[] = {0, 1000, 3000};
	CLEAN(patterns_freep) struct patterns *all = NULL;
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		CLEAN(patterns_freep) struct patterns *few = NULL;

		assert_int_equal(0, patterns_new(&few));
		patterns_limit(few, limits[i], PATTERN_WORK_MAX);
		patterns_freep(&all);
		assert_int_equal(0, patterns_new(&all));
		for (int n = 0; n < 50; n++) {
			char regex[64];

			(void)snprintf(regex, sizeof(regex), "/(a|b)*%c?/.*%d[^%d]*", 'a' + n % 3,
				       n % 7, n % 10);
			assert_ok(add(few, regex, &why), &why);
			assert_ok(add(all, regex, &why), &why);
		}
		srandom(1);
		for (int n = 0; n < 2000; n++) {
			char text[24] = "/";

			for (int at = 1; at < 20; at++)
				text[at] = "aabb/0123456"[random() % 12];
			assert_int_equal(match(all, text, '-'), match(few, text, '-'));
		}
	}
}

/* The classic that takes 2^n steps in an engine that goes back. */
static void takes_no_longer_for_hostile_patterns(void **state)
{
	CLEAN(patterns_freep) struct patterns *patterns = NULL;
	struct diag why = {0};
	char text[4000];

	(void)state;
	assert_int_equal(0, patterns_new(&patterns));
	assert_ok(add(patterns, "((a+)+)+b", &why), &why);
	assert_ok(add(patterns, "(a?){1000}a{1000}", &why), &why);
	memset(text, 'a', sizeof(text));
	text[2000] = '\0';
	assert_int_equal(1, match(patterns, text, '-'));
	text[2000] = 'a';
	text[3999] = '\0';
	assert_int_equal(-1, match(patterns, text, '-'));
}

static void gives_up_when_the_work_has_no_end(void **state)
{
	CLEAN(patterns_freep) struct patterns *patterns = NULL;
	struct diag why = {0};
	char text[2000];
	size_t number;
	int r = 0;

	(void)state;
	assert_int_equal(0, patterns_new(&patterns));
	patterns_limit(patterns, 0, 1 << 24);
	for (int i = 0; i < 200; i++)
		assert_ok(add(patterns, "(.{0,1000}.){2}b.{1000}", &why), &why);
	memset(text, 'b', sizeof(text));
	for (int i = 0; r >= 0 && i < 10000; i++)
		r = patterns_match(patterns, span_of(text, sizeof(text)), '-', &number, &why);
	assert_int_equal(-E2BIG, r);
	assert_string_equal("the patterns take too long to match", why.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_whole_texts_only),
		cmocka_unit_test(the_last_pattern_of_the_right_tag_counts),
		cmocka_unit_test(refuses_what_is_no_pattern_or_of_another_kind),
		cmocka_unit_test(groups_are_as_deep_as_the_limit),
		cmocka_unit_test(forgetting_states_changes_no_answer),
		cmocka_unit_test(takes_no_longer_for_hostile_patterns),
		cmocka_unit_test(gives_up_when_the_work_has_no_end),
	};

	return cmocka_run_group_tests_name("oci/patterns", tests, NULL, NULL);
}
