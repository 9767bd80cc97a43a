/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "oci/registries_conf.h"

#define DIGEST "sha256:5118919cc453352968579aeed8fcc26c7a75759de579722a0f90ed5aaf85bd7d"

static void add(struct registries_conf *conf, const char *text)
{
	struct diag why = {0};

	assert_ok(registries_conf_add(conf, span_of_string(text), &why), &why);
}

/* The places as one text: "host/path:tag host/path:tag!" with ! for insecure ones; "" on failure.
 */
static int places_of(const struct registries_conf *conf, const char *name, bool for_push,
		     struct buf *ret, struct diag *why)
{
	struct oci_reference reference;
	struct registry_places places;
	int r;

	ret->size = 0;
	assert_ok(oci_reference_parse(name, &reference, why), why);
	r = registries_conf_places(conf, &reference, for_push, &places, why);
	oci_reference_release(&reference);
	if (r < 0)
		return r;
	for (size_t i = 0; i < places.count; i++) {
		assert_int_equal(0, buf_append_string(ret, i ? " " : ""));
		assert_int_equal(0, oci_reference_format_name(&places.places[i].reference, ret));
		assert_int_equal(0,
				 buf_append_string(ret, places.places[i].is_insecure ? "!" : ""));
	}
	registry_places_release(&places);
	return 0;
}

static void assert_places(const struct registries_conf *conf, const char *name,
			  const char *expected)
{
	struct buf text = {0};
	struct diag why = {0};

	assert_ok(places_of(conf, name, false, &text, &why), &why);
	assert_string_equal(expected, buf_string(&text));
	buf_release(&text);
}

static void a_name_is_its_own_place(void **state)
{
	const struct registries_conf none = {0};

	(void)state;
	assert_places(&none, "docker.io/ubuntu", "docker.io/library/ubuntu:latest");
}

/* containers-registries.conf(5), EXAMPLE */
static void the_example_of_the_manual_works(void **state)
{
	struct registries_conf conf = {0};

	(void)state;
	add(&conf, "unqualified-search-registries = [\"example.com\"]\n"
		   "[[registry]]\nprefix = \"example.com/foo\"\ninsecure = false\nblocked = false\n"
		   "location = \"internal-registry-for-example.com/bar\"\n"
		   "[[registry.mirror]]\nlocation = \"example-mirror-0.local/mirror-for-foo\"\n"
		   "[[registry.mirror]]\nlocation = \"example-mirror-1.local/mirrors/foo\"\n"
		   "insecure = true\n[aliases]\n\"centos\" = \"quay.io/centos/centos\"\n");
	assert_places(&conf, "example.com/foo/image:latest",
		      "example-mirror-0.local/mirror-for-foo/image:latest "
		      "example-mirror-1.local/mirrors/foo/image:latest! "
		      "internal-registry-for-example.com/bar/image:latest");
	assert_places(&conf, "example.com/foo@" DIGEST,
		      "example-mirror-0.local/mirror-for-foo@" DIGEST
		      " example-mirror-1.local/mirrors/foo@" DIGEST
		      "! internal-registry-for-example.com/bar@" DIGEST);
	assert_places(&conf, "example.com/foobar", "example.com/foobar:latest");
	registries_conf_release(&conf);
}

static void the_longest_prefix_counts(void **state)
{
	struct registries_conf conf = {0};

	(void)state;
	add(&conf, "[[registry]]\nlocation='h.io'\ninsecure=true\n"
		   "[[registry]]\nprefix='h.io/a'\nlocation='a.io'\n"
		   "[[registry]]\nprefix='h.io/a/b:1'\nlocation='b.io/one:1'\n"
		   "[[registry]]\nprefix='*.wild.io'\nlocation='w.io'\n"
		   "[[registry]]\nprefix='*.deep.wild.io'\ninsecure=true\n");
	assert_places(&conf, "h.io/x", "h.io/x:latest!");
	assert_places(&conf, "h.io/a/x", "a.io/x:latest");
	assert_places(&conf, "h.io/ab/x", "h.io/ab/x:latest!");
	assert_places(&conf, "h.io/a/b:1", "b.io/one:1");
	assert_places(&conf, "h.io/a/b:2", "a.io/b:2");
	assert_places(&conf, "h.io:5000/a/x", "h.io:5000/a/x:latest");
	assert_places(&conf, "h.io.evil.io/a/x", "h.io.evil.io/a/x:latest");
	assert_places(&conf, "sub.wild.io/a/x", "w.io/a/x:latest");
	assert_places(&conf, "wild.io/a/x", "wild.io/a/x:latest");
	assert_places(&conf, "notwild.io/a/x", "notwild.io/a/x:latest");
	assert_places(&conf, "s.deep.wild.io/a", "s.deep.wild.io/a:latest!");
	registries_conf_release(&conf);
}

static void a_later_file_says_again(void **state)
{
	struct registries_conf conf = {0};

	(void)state;
	add(&conf, "[[registry]]\nlocation='h.io'\ninsecure=true\n"
		   "[[registry]]\nprefix='h.io'\nlocation='second.io'\n");
	assert_places(&conf, "h.io/x", "h.io/x:latest!");
	add(&conf, "[[registry]]\nprefix='h.io'\nlocation='other.io'\n");
	assert_places(&conf, "h.io/x", "other.io/x:latest");
	registries_conf_release(&conf);
}

static void mirrors_may_be_for_digests_or_tags_only(void **state)
{
	struct registries_conf conf = {0};

	(void)state;
	add(&conf, "[[registry]]\nlocation='h.io'\nmirror-by-digest-only=true\n"
		   "[[registry.mirror]]\nlocation='m.io'\n"
		   "[[registry]]\nlocation='i.io'\n"
		   "[[registry.mirror]]\nlocation='d.io'\npull-from-mirror='digest-only'\n"
		   "[[registry.mirror]]\nlocation='t.io'\npull-from-mirror='tag-only'\n"
		   "[[registry.mirror]]\nlocation='a.io'\npull-from-mirror='all'\n");
	assert_places(&conf, "h.io/x:1", "h.io/x:1");
	assert_places(&conf, "h.io/x@" DIGEST, "m.io/x@" DIGEST " h.io/x@" DIGEST);
	assert_places(&conf, "i.io/x:1", "t.io/x:1 a.io/x:1 i.io/x:1");
	assert_places(&conf, "i.io/x@" DIGEST,
		      "d.io/x@" DIGEST " a.io/x@" DIGEST " i.io/x@" DIGEST);
	registries_conf_release(&conf);
}

static void what_is_blocked_is_refused_for_pulling(void **state)
{
	struct registries_conf conf = {0};
	struct buf text = {0};
	struct diag why = {0};

	(void)state;
	add(&conf, "[[registry]]\nprefix='h.io/bad'\nblocked=true\nlocation='x.io'\n"
		   "[[registry.mirror]]\nlocation='m.io'\n");
	assert_int_equal(-EPERM, places_of(&conf, "h.io/bad/x", false, &text, &why));
	assert_non_null(strstr(why.text, "blocks 'h.io/bad'"));
	assert_int_equal(0, places_of(&conf, "h.io/bad/x", true, &text, &why));
	assert_string_equal("h.io/bad/x:latest", buf_string(&text));
	buf_release(&text);
	registries_conf_release(&conf);
}

static void a_location_that_makes_no_name_is_an_error(void **state)
{
	struct registries_conf conf = {0};
	struct buf text = {0};
	struct diag why = {0};

	(void)state;
	add(&conf, "[[registry]]\nprefix='h.io/a'\nlocation='x.io'\n");
	assert_int_equal(-EINVAL, places_of(&conf, "h.io/a:1", false, &text, &why));
	assert_non_null(strstr(why.text, "'x.io:1'"));
	buf_release(&text);
	registries_conf_release(&conf);
}

static void what_is_malformed_is_refused(void **state)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{"[[registry]]\n", -EUCLEAN},
		{"[[registry]]\ninsecure=true\n", -EUCLEAN},
		{"[registry]\nlocation='h.io'\n", -EUCLEAN},
		{"registry = 'h.io'\n", -EUCLEAN},
		{"[[registry]]\nlocation='h.io'\nlocation='i.io'\n", -EUCLEAN},
		{"[[registry]]\nlocation='h.io'\ninsecure='yes'\n", -EUCLEAN},
		{"[[registry]]\nlocation='h.io'\nblocked=1\n", -EUCLEAN},
		{"[[registry]]\nlocation=true\n", -EUCLEAN},
		{"[[registry]]\nlocation='registry'\n", -EUCLEAN},
		{"[[registry]]\nlocation='https://h.io'\n", -EUCLEAN},
		{"[[registry]]\nlocation='h.io'\nprefix='*.io/a'\n", -EUCLEAN},
		{"[[registry]]\nlocation='h.io'\nprefix='a*.io'\n", -EUCLEAN},
		{"[[registry.mirror]]\nlocation='h.io'\n", -EUCLEAN},
		{"[[registry]]\nlocation='h.io'\n[[registry.mirror]]\n", -EUCLEAN},
		{"[[registry]]\nlocation='h.io'\n[registry.mirror]\nlocation='m.io'\n", -EUCLEAN},
		{"[[registry]]\nlocation='h.io'\nmirror=['m.io']\n", -EUCLEAN},
		{"[[registry]]\nlocation='h.io'\n[[registry.mirror]]\nlocation='m.io'\n"
		 "pull-from-mirror='never'\n",
		 -EUCLEAN},
		{"[[registry]]\nlocation='h.io'\nmirror-by-digest-only=true\n"
		 "[[registry.mirror]]\nlocation='m.io'\npull-from-mirror='tag-only'\n",
		 -EUCLEAN},
		{"[registries.block]\nregistries=['h.io']\n", -EOPNOTSUPP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct registries_conf conf = {0};
		struct diag why = {0};
		int r = registries_conf_add(&conf, span_of_string(cases[i].text), &why);

		if (r != cases[i].err || !why.text[0])
			fail_msg("%s: %d %s", cases[i].text, r, why.text);
		assert_int_equal(0, conf.count);
		registries_conf_release(&conf);
	}
}

static void sizes_are_limited(void **state)
{
	struct registries_conf conf = {0};
	struct buf text = {0};
	struct diag why = {0};

	(void)state;
	for (int i = 0; i < 1001; i++)
		assert_int_equal(0, buf_append_string(&text, "[[registry]]\nlocation='h.io'\n"));
	assert_int_equal(-E2BIG, registries_conf_add(&conf, buf_span(&text), &why));
	text.size = 0;
	assert_int_equal(0, buf_append_string(&text, "[[registry]]\nlocation='h.io'\n"));
	for (int i = 0; i < 33; i++)
		assert_int_equal(
			0, buf_append_string(&text, "[[registry.mirror]]\nlocation='m.io'\n"));
	assert_int_equal(-E2BIG, registries_conf_add(&conf, buf_span(&text), &why));
	assert_int_equal(0, conf.count);
	buf_release(&text);
	registries_conf_release(&conf);
}

static char folder[64];

static void write_file(const char *name, const char *text)
{
	char command[512];

	(void)snprintf(command, sizeof(command),
		       "mkdir -p \"$(dirname %s/%s)\" && printf '%%b' \"%s\" > %s/%s", folder, name,
		       text, folder, name);
	assert_int_equal(0, system(command)); /* NOLINT: words of our own */
}

static void files_are_read_in_their_order(void **state)
{
	struct registries_conf conf = {0};
	struct diag why = {0};
	char path[128];

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/lamina-registries-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(0, setenv("HOME", folder, 1));
	assert_int_equal(0, unsetenv("CONTAINERS_REGISTRIES_CONF"));
	write_file(".config/containers/registries.conf",
		   "[[registry]]\\nlocation='h.test'\\ninsecure=true\\n");
	write_file(".config/containers/registries.conf.d/2.conf",
		   "[[registry]]\\nprefix='h.test'\\nlocation='two.test'\\n");
	write_file(".config/containers/registries.conf.d/1.conf",
		   "[[registry]]\\nprefix='h.test'\\nlocation='one.test'\\n");
	write_file(".config/containers/registries.conf.d/3.ignored", "garbage");
	write_file("alone", "[[registry]]\\nprefix='h.test'\\nlocation='alone.test'\\n");
	assert_ok(registries_conf_load(NULL, &conf, &why), &why);
	assert_places(&conf, "h.test/x", "two.test/x:latest");
	registries_conf_release(&conf);

	(void)snprintf(path, sizeof(path), "%s/alone", folder);
	assert_int_equal(0, setenv("CONTAINERS_REGISTRIES_CONF", path, 1));
	assert_ok(registries_conf_load(NULL, &conf, &why), &why);
	assert_places(&conf, "h.test/x", "alone.test/x:latest");
	registries_conf_release(&conf);
	assert_int_equal(-ENOENT, registries_conf_load("/nowhere/at/all", &conf, &why));

	write_file("alone", "[[registry]\\n");
	assert_int_equal(-EUCLEAN, registries_conf_load(path, &conf, &why));
	assert_non_null(strstr(why.text, "/alone: line 1: "));
	(void)snprintf(path, sizeof(path), "rm -rf %s", folder);
	assert_int_equal(0, system(path)); /* NOLINT */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_its_own_place),
		cmocka_unit_test(the_example_of_the_manual_works),
		cmocka_unit_test(the_longest_prefix_counts),
		cmocka_unit_test(a_later_file_says_again),
		cmocka_unit_test(mirrors_may_be_for_digests_or_tags_only),
		cmocka_unit_test(what_is_blocked_is_refused_for_pulling),
		cmocka_unit_test(a_location_that_makes_no_name_is_an_error),
		cmocka_unit_test(what_is_malformed_is_refused),
		cmocka_unit_test(sizes_are_limited),
		cmocka_unit_test(files_are_read_in_their_order),
	};

	return cmocka_run_group_tests_name("oci/registries_conf", tests, NULL, NULL);
}
