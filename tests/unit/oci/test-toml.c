/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/diag.h"
#include "oci/toml.h"

/* What was told, as one text: "[a|b]" "[[a]]" "k=s'...'" "k=true" "k=array,'...'" "k=other" ";" */
static void key_write(struct buf *ret, const struct toml_key *key)
{
	for (size_t i = 0; i < key->count; i++)
		assert_int_equal(0, buf_printf(ret, "%s%s", i ? "|" : "", key->parts[i]));
}

static int on_table(void *context, const struct toml_key *key, bool is_array, struct diag *why)
{
	(void)why;
	assert_int_equal(0, buf_append_string(context, is_array ? "[[" : "["));
	key_write(context, key);
	return buf_append_string(context, is_array ? "]];" : "];");
}

static int on_value(void *context, const struct toml_key *key, const struct toml_value *value,
		    struct diag *why)
{
	static const char *const types[] = {"'", "", "array", "other"};

	if (strcmp(key->parts[0], "refuse") == 0)
		return diag_set(why, -EPERM, "refused");
	key_write(context, key);
	if (value->type == TOML_STRING)
		return buf_printf(context, "='%s';", value->string);
	if (value->type == TOML_BOOLEAN)
		return buf_printf(context, "=%s;", value->boolean ? "true" : "false");
	if (buf_printf(context, "=%s", types[value->type]) < 0)
		return -ENOMEM;
	for (size_t i = 0; value->type == TOML_ARRAY && i < value->strings.size;) {
		const char *text = (const char *)value->strings.data + i;

		if (buf_printf(context, ",'%s'", text) < 0)
			return -ENOMEM;
		i += strlen(text) + 1;
	}
	return buf_append_string(context, ";");
}

static int read_toml(const char *text, struct buf *ret, struct diag *why)
{
	const struct toml_listener listener = {on_table, on_value, ret};

	return toml_read(span_of_string(text), &listener, why);
}

static void what_is_written_is_told(void **state)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"\n\n# only \t a comment", ""},
		{"a = 'b'\r\nc=true # x\r\n", "a='b';c=true;"},
		{"\"a b\".'c d' . e_-1 = false", "a b|c d|e_-1=false;"},
		{"[a]\n[ a . \"b.c\" ]\n[[d]]\nx='y'\n", "[a];[a|b.c];[[d]];x='y';"},
		{"a = \"\\b\\t\\n\\f\\r\\\"\\\\\\u00e9\\U0001F600\"",
		 "a='\b\t\n\f\r\"\\\xc3\xa9\xf0\x9f\x98\x80';"},
		{"a = 'C:\\n'", "a='C:\\n';"},
		{"a = \"\"\"\nx\n\"y\" \\\n   z\"\"\"", "a='x\n\"y\" z';"},
		{"a = '''\r\nx\\\ny'''", "a='x\\\ny';"},
		{"a = \"\"\"b\"\"\"\"\"", "a='b\"\"';"},
		{"a = \"\"", "a='';"},
		{"a = []", "a=array;"},
		{"a = [ 'x', # c\n \"y\" ,\n [1, 2.5], true, ]\nb = 'c'", "a=array,'x','y';b='c';"},
		{"a = [['x'], '', [1, ['y', '']]]", "a=array,'x','','y','';"},
		{"a = 1\nb = -2.5e+3\nc = 1979-05-27T07:32:00Z\nd = +inf\ne=0xff\nf=1_000",
		 "a=other;b=other;c=other;d=other;e=other;f=other;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf told = {0};
		struct diag why = {0};

		assert_ok(read_toml(cases[i][0], &told, &why), &why);
		assert_string_equal(cases[i][1], buf_string(&told));
		buf_release(&told);
	}
}

static void what_is_malformed_is_refused_with_its_line(void **state)
{
	static const char *const bad[] = {
		"a",
		"a =",
		"a = ",
		"= 1",
		"a 1",
		"a = b",
		"a = 'b",
		"a = \"b",
		"a = \"b\\",
		"a = \"b\nc\"",
		"a = \"\\x\"",
		"a = \"\\u12\"",
		"a = \"\\u0000\"",
		"a = \"\\ud800\"",
		"a = \"\\U00110000\"",
		"a = \"\"\"b",
		"a = '''b''",
		"a = 'b' c",
		"a = 'b' 'c'",
		"a = 'b', 'c'",
		"[a",
		"[a]]",
		"[[a]",
		"[]",
		"[a.]",
		"[.a]",
		"[a] b",
		"a..b = 1",
		"a = [",
		"a = [1",
		"a = [1 2]",
		"a = [,]",
		"a = [1,,2]",
		"a = ]",
		"a = {b = 1}",
		"a = [{b = 1}]",
		"a = \x01",
		"a = '\x01'",
		"# \x01",
		"\"\"\"a\"\"\" = 1",
		"a = -",
		"a = truex",
		"a = 'b'\rc = 1",
		"\"a = 1",
		"a = 1\\",
		"a = [[[[[[[[[1]]]]]]]]]",
		"a.b.c.d.e.f.g.h.i = 1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf told = {0}, text = {0};
		struct diag why = {0};
		int r;

		assert_int_equal(0, buf_printf(&text, "x = 1\n\n%s", bad[i]));
		r = read_toml(buf_string(&text), &told, &why);
		if (r != -EUCLEAN ||
		    !(strstr(why.text, "line 3: ") || strstr(why.text, "line 4: ")))
			fail_msg("%s: %d %s", bad[i], r, why.text);
		buf_release(&told);
		buf_release(&text);
	}
}

static void the_listener_may_refuse(void **state)
{
	struct buf told = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(-EPERM, read_toml("\nrefuse = 1\nx = 1", &told, &why));
	assert_string_equal("line 2: refused", why.text);
	assert_int_equal(0, told.size);
	buf_release(&told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_told),
		cmocka_unit_test(what_is_malformed_is_refused_with_its_line),
		cmocka_unit_test(the_listener_may_refuse),
	};

	return cmocka_run_group_tests_name("oci/toml", tests, NULL, NULL);
}
