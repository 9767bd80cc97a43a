/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/diag.h"
#include "oci/reference.h"

#define ID "5118919cc453352968579aeed8fcc26c7a75759de579722a0f90ed5aaf85bd7d"
#define DIGEST "sha256:" ID

static int text_of_archive(const struct oci_reference *reference, struct buf *ret)
{
	int r = buf_printf(ret, "%s:%s", oci_transport_name(reference->transport), reference->path);

	if (r == 0 && reference->index >= 0)
		r = buf_printf(ret, ":@%lld", (long long)reference->index);
	if (r == 0 && reference->name)
		r = buf_printf(ret, ":%s", reference->name);
	if (r == 0 && reference->repository)
		r = buf_append_byte(ret, ':');
	return r < 0 ? r : oci_reference_format_name(reference, ret);
}

static int text_of_storage(const struct oci_reference *reference, struct buf *ret)
{
	int r = buf_printf(ret, "%s:", oci_transport_name(reference->transport));

	if (r == 0 && reference->store)
		r = buf_printf(ret, "[%s]", reference->store);
	if (r < 0 || reference->id_prefix)
		return r < 0 ? r : buf_append_string(ret, reference->id_prefix);
	r = oci_reference_format_name(reference, ret);
	if (r < 0 || !reference->image_id)
		return r;
	return buf_printf(ret, reference->repository ? "@%s" : "%s", reference->image_id);
}

/* The one text that means the same: all that was understood. */
static int text_of(const struct oci_reference *reference, struct buf *ret)
{
	int r;

	switch (reference->transport) {
	case OCI_TRANSPORT_DOCKER:
		r = buf_append_string(ret, "docker://");
		return r < 0 ? r : oci_reference_format_name(reference, ret);
	case OCI_TRANSPORT_STORAGE:
		return text_of_storage(reference, ret);
	default:
		return text_of_archive(reference, ret);
	}
}

static void assert_canonical(const char *text, const char *canonical)
{
	struct oci_reference reference;
	struct buf ret = {0};
	struct diag why = {0};

	assert_ok(oci_reference_parse(text, &reference, &why), &why);
	assert_int_equal(0, text_of(&reference, &ret));
	assert_string_equal(canonical, buf_string(&ret));
	oci_reference_release(&reference);
	buf_release(&ret);
}

static void a_reference_has_one_canonical_text(void **state)
{
	static const struct {
		const char *text;
		const char *canonical; /* NULL: it is that */
	} cases[] = {
		{"docker.io/ubuntu", "docker://docker.io/library/ubuntu:latest"},
		{"docker://ubuntu", "docker://docker.io/library/ubuntu:latest"},
		{"docker://index.docker.io/ubuntu:22.04",
		 "docker://docker.io/library/ubuntu:22.04"},
		{"docker://fedora/fedora:40", "docker://docker.io/fedora/fedora:40"},
		{"docker.io/library/ubuntu@" DIGEST, "docker://docker.io/library/ubuntu@" DIGEST},
		{"quay.io/a/b/c:T_1.x-y", "docker://quay.io/a/b/c:T_1.x-y"},
		{"localhost/x", "docker://localhost/x:latest"},
		{"localhost:5000/x:1@" DIGEST, "docker://localhost:5000/x:1@" DIGEST},
		{"docker://[::1]:5000/x:1", NULL},
		{"docker://127.0.0.1:1/a.b_c__d---e:1", NULL},
		{"Host/name", "docker://Host/name:latest"},
		{"docker://h.example/" ID ":1", NULL},
		{"oci:/srv/layout", NULL},
		{"oci:layout:a/b--c+d@e:1", NULL},
		{"oci:layout:@0", NULL},
		{"oci-archive:a b.tar:name", NULL},
		{"docker-archive:x.tar", NULL},
		{"docker-archive:x.tar:@007", "docker-archive:x.tar:@7"},
		{"docker-archive:x.tar:busybox:1",
		 "docker-archive:x.tar:docker.io/library/busybox:1"},
		{"dir:/a:b@c", NULL},
		{"containers-storage:" ID, NULL},
		{"containers-storage:abc", NULL},
		{"containers-storage:ab", "containers-storage:docker.io/library/ab:latest"},
		{"containers-storage:@" ID, "containers-storage:" ID},
		{"containers-storage:localhost/x:1@" ID, NULL},
		{"containers-storage:localhost/x@" DIGEST "@" ID, NULL},
		{"containers-storage:[overlay@/a+/b:c=d,e=f]localhost/x:1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_canonical(cases[i].text,
				 cases[i].canonical ? cases[i].canonical : cases[i].text);
}

static void its_parts_are_told_apart(void **state)
{
	struct oci_reference reference;
	struct buf name = {0};

	(void)state;
	assert_int_equal(0, oci_reference_parse("localhost:5000/a/b:c@" DIGEST, &reference, NULL));
	assert_int_equal(OCI_TRANSPORT_DOCKER, reference.transport);
	assert_string_equal("localhost:5000", reference.registry);
	assert_string_equal("a/b", reference.repository);
	assert_string_equal("c", reference.tag);
	assert_int_equal(DIGEST_SHA256, reference.digest.algorithm);
	assert_int_equal(-1, reference.index);
	assert_null(reference.path);
	assert_int_equal(0, oci_reference_format_name(&reference, &name));
	assert_string_equal("localhost:5000/a/b:c@" DIGEST, buf_string(&name));
	buf_release(&name);
	oci_reference_release(&reference);

	assert_int_equal(0, oci_reference_parse("oci:/srv/x:@3", &reference, NULL));
	assert_string_equal("/srv/x", reference.path);
	assert_int_equal(3, reference.index);
	assert_null(reference.name);
	oci_reference_release(&reference);

	assert_int_equal(0, oci_reference_parse("containers-storage:[/s]abc123", &reference, NULL));
	assert_string_equal("/s", reference.store);
	assert_string_equal("abc123", reference.id_prefix);
	assert_string_equal("library/abc123", reference.repository);
	assert_null(reference.image_id);
	oci_reference_release(&reference);
}

static void assert_refused(const char *text, int err, const char *said)
{
	struct oci_reference reference = {.index = 77};
	struct diag why = {0};
	int r = oci_reference_parse(text, &reference, &why);

	if (r != err)
		fail_msg("'%s': %d, %s", text, r, why.text);
	assert_int_equal(77, reference.index);
	if (!strstr(why.text, said))
		fail_msg("'%s': %s", text, why.text);
}

static void a_short_name_is_refused_with_its_full_form(void **state)
{
	(void)state;
	assert_refused("ubuntu", -EINVAL, "docker.io/library/ubuntu:latest");
	assert_refused("ubuntu:22.04", -EINVAL, "docker.io/library/ubuntu:22.04");
	assert_refused("fedora/fedora", -EINVAL, "docker.io/fedora/fedora:latest");
	assert_refused("ubuntu@" DIGEST, -EINVAL, "docker.io/library/ubuntu@sha256:51");
}

static void what_is_no_reference_is_refused(void **state)
{
	static const struct {
		const char *text;
		const char *said;
	} cases[] = {
		{"", "1 to"},
		{"/srv/x", "neither"},
		{"./x", "host"},
		{"../x", "host"},
		{"docker:ubuntu", "short name"},
		{"docker://", "repository"},
		{"https://quay.io/a", "docker://HOST"},
		{ID, "neither"},
		{"docker://" ID, "repository"},
		{"docker://quay.io/", "repository"},
		{"docker://quay.io//a", "repository"},
		{"docker://quay.io/a/", "repository"},
		{"docker://quay.io/A", "repository"},
		{"docker://quay.io/a..b", "repository"},
		{"docker://quay.io/a___b", "repository"},
		{"docker://quay.io/-a", "repository"},
		{"docker://quay.io/a-", "repository"},
		{"docker://quay.io/a/../b", "repository"},
		{"docker://quay.io/a?b=c", "repository"},
		{"docker://quay.io/a b", "repository"},
		{"docker://quay.io/a%2fb", "repository"},
		{"docker://quay.io/a:", "tag"},
		{"docker://quay.io/a:.b", "tag"},
		{"docker://quay.io/a:b:c", "tag"},
		{"docker://quay.io/a:b/c", "tag"},
		{"docker://quay.io/a@" ID, "digest"},
		{"docker://quay.io/a@sha256:12", "digest"},
		{"docker://quay.io/a@" DIGEST "@" DIGEST, "digest"},
		{"docker://-a.io/b", "host"},
		{"docker://a-.io/b", "host"},
		{"docker://a..io/b", "host"},
		{"docker://user@a.io/b", "digest"},
		{"docker://a.io:/b", "host"},
		{"docker://a.io:0/b", "host"},
		{"docker://a.io:65536/b", "host"},
		{"docker://a.io:5x/b", "host"},
		{"docker://[::1/b", "host"},
		{"docker://[::g]:1/b", "host"},
		{"docker://[::1]x/b", "host"},
		{"oci:", "no path"},
		{"oci::a", "no path"},
		{"oci:a:", "name of an image"},
		{"oci:a:-b", "name of an image"},
		{"oci:a:b-", "name of an image"},
		{"oci:a:b---c", "name of an image"},
		{"oci:a:b..c", "name of an image"},
		{"oci:a:b c", "name of an image"},
		{"oci:a:@", "index"},
		{"oci:a:@-1", "index"},
		{"oci:a:@1234567890", "index"},
		{"docker-archive:a:b@" DIGEST, "digest"},
		{"docker-archive:a:B", "repository"},
		{"dir:", "no path"},
		{"containers-storage:", "repository"},
		{"containers-storage:[", "']'"},
		{"containers-storage:[]a", "']'"},
		{"containers-storage:[a]", "repository"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i].text, -EINVAL, cases[i].said);
	assert_refused("docker-daemon:a:b", -EOPNOTSUPP, "docker-daemon");
}

static void sizes_are_limited(void **state)
{
	char text[600] = "docker://quay.io/";
	size_t start = strlen(text);
	struct oci_reference reference;

	(void)state;
	memset(text + start, 'a', 255);
	assert_int_equal(0, oci_reference_parse(text, &reference, NULL));
	oci_reference_release(&reference);
	text[start + 255] = 'a';
	assert_refused(text, -EINVAL, "repository");

	memset(text, 'a', 300);
	memcpy(text, "docker://", 9);
	text[9 + 255] = 0;
	assert_refused(text, -EINVAL, "repository"); /* library/ comes on top */

	memset(text + start, 0, 300);
	memcpy(text, "docker://quay.io/", start);
	text[start] = 'a';
	text[start + 1] = ':';
	memset(text + start + 2, 'b', 128);
	assert_int_equal(0, oci_reference_parse(text, &reference, NULL));
	oci_reference_release(&reference);
	text[start + 130] = 'b';
	assert_refused(text, -EINVAL, "tag");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reference_has_one_canonical_text),
		cmocka_unit_test(its_parts_are_told_apart),
		cmocka_unit_test(a_short_name_is_refused_with_its_full_form),
		cmocka_unit_test(what_is_no_reference_is_refused),
		cmocka_unit_test(sizes_are_limited),
	};

	return cmocka_run_group_tests_name("oci/reference", tests, NULL, NULL);
}
