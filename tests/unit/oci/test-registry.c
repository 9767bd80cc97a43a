/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include "base/limits.h"
#include "oci/credentials.h"
#include "registry_fixture.h"

static struct fixture server, other;

static int start(void **state)
{
	(void)state;
	server = fixture_start_web();
	other = fixture_start_web();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	fixture_stop(&server);
	fixture_stop(&other);
	return 0;
}

/* Fetch the manifest that name's tag, or which, says. Returns its size, or -errno. */
static int64_t fetch(const char *name, const struct oci_descriptor *which,
		     const struct registry_options *options, struct buf *log, struct diag *why)
{
	struct oci_source *source = fixture_source(&server, name, options);
	char type[MEDIA_TYPE_SIZE_MAX] = "?";
	struct buf text = {0};
	int64_t r;

	(void)fixture_log(&server, log);
	*why = (struct diag){0};
	r = oci_source_manifest(source, which, &text, type, why);
	(void)fixture_log(&server, log);
	if (r == 0) {
		assert_string_equal("application/vnd.oci.image.manifest.v1+json", type);
		r = (int64_t)text.size;
	} else {
		assert_int_equal(0, text.size);
		assert_true(why->text[0]);
	}
	buf_release(&text);
	oci_source_close(source);
	return r;
}

static void a_manifest_is_had_by_its_tag(void **state)
{
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_true(fetch("good:v1", NULL, NULL, &log, &why) > 100);
	assert_non_null(strstr(buf_string(&log), "/v2/good/manifests/v1"));
	assert_non_null(strstr(buf_string(&log), "application/vnd.oci.image.index.v1+json"));
	buf_release(&log);
}

static void a_manifest_is_held_to_its_digest(void **state)
{
	struct oci_source *source = fixture_source(&server, "good", NULL);
	char type[MEDIA_TYPE_SIZE_MAX], name[300], digest[OCI_DIGEST_SIZE_MAX];
	struct oci_descriptor which = {0};
	struct buf text = {0}, log = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(oci_source_manifest(source, NULL, &text, type, &why), &why);
	assert_ok(sha_of(DIGEST_SHA256, buf_span(&text), &which.digest, &why), &why);
	oci_source_close(source);
	(void)oci_digest_text(&which.digest, digest);

	assert_true(fetch("good", &which, NULL, &log, &why) > 100);
	assert_non_null(strstr(buf_string(&log), digest));
	(void)snprintf(name, sizeof(name), "good@%s", digest);
	assert_true(fetch(name, NULL, NULL, &log, &why) > 100);
	assert_non_null(strstr(buf_string(&log), digest));

	assert_int_equal(-EBADMSG, fetch("x/mbody-wrong", &which, NULL, &log, &why));
	assert_non_null(strstr(why.text, "that was asked for"));
	(void)snprintf(name, sizeof(name), "x/mbody-wrong@%s", digest);
	assert_int_equal(-EBADMSG, fetch(name, NULL, NULL, &log, &why));
	assert_int_equal(-EBADMSG, fetch("x/mdigest-wrong", NULL, NULL, &log, &why));
	assert_non_null(strstr(why.text, "the registry says"));
	buf_release(&text);
	buf_release(&log);
}

static void what_is_not_there_is_said_with_the_registrys_words(void **state)
{
	struct buf log = {0};
	struct diag why = {0};
	char expected[128];

	(void)state;
	assert_int_equal(-ENOENT, fetch("good:missing", NULL, NULL, &log, &why));
	(void)snprintf(
		expected, sizeof(expected),
		"127.0.0.1:%d/good: manifests/missing: not found (MANIFEST_UNKNOWN: no ?[31m "
		"such)",
		server.port);
	assert_string_equal(expected, why.text);
	assert_int_equal(-EACCES, fetch("x/mstatus-403", NULL, NULL, &log, &why));
	assert_int_equal(-EIO, fetch("x/mstatus-418", NULL, NULL, &log, &why));
	assert_non_null(strstr(why.text, "status 418"));
	buf_release(&log);
}

static void what_may_pass_is_tried_again(void **state)
{
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_true(fetch("x/mstatus-503/mtimes-2", NULL, NULL, &log, &why) > 0);
	assert_int_equal(3, count_of(buf_string(&log), "/manifests/"));
	assert_true(fetch("x/mcut-50/mtimes-2", NULL, NULL, &log, &why) > 0);
	assert_int_equal(3, count_of(buf_string(&log), "/manifests/"));
	/* Retry-After is obeyed, up to a point. */
	assert_true(fetch("x/mstatus-429/mtimes-1/mwait-1", NULL, NULL, &log, &why) > 0);
	assert_int_equal(-EBUSY, fetch("x/mstatus-429/mwait-3600", NULL, NULL, &log, &why));
	assert_int_equal(1, count_of(buf_string(&log), "/manifests/"));
	/* And not for ever. */
	assert_int_equal(-EIO, fetch("x/mstatus-500", NULL, NULL, &log, &why));
	assert_int_equal(RETRY_MAX + 1, count_of(buf_string(&log), "/manifests/"));
	assert_int_equal(-ECONNRESET, fetch("x/mcut-51", NULL, NULL, &log, &why));
	assert_int_equal(RETRY_MAX + 1, count_of(buf_string(&log), "/manifests/"));
	buf_release(&log);
}

static void a_manifest_has_a_largest_size(void **state)
{
	struct buf log = {0};
	struct diag why = {0};
	char name[64];

	(void)state;
	(void)snprintf(name, sizeof(name), "x/msize-%d", MANIFEST_SIZE_MAX);
	assert_int_equal(MANIFEST_SIZE_MAX, fetch(name, NULL, NULL, &log, &why));
	(void)snprintf(name, sizeof(name), "x/msize-%d", MANIFEST_SIZE_MAX + 1);
	assert_int_equal(-E2BIG, fetch(name, NULL, NULL, &log, &why));
	buf_release(&log);
}

static void redirects_that_lead_nowhere_are_errors(void **state)
{
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_int_equal(-EPERM, fetch("x/mto-file", NULL, NULL, &log, &why));
	assert_non_null(strstr(why.text, "redirect refused"));
	assert_int_equal(-E2BIG, fetch("x/mto-loop", NULL, NULL, &log, &why));
	buf_release(&log);
}

static void credentials_are_for_who_asks_for_them(void **state)
{
	const struct credentials right = {.username = (char *)"user", .password = (char *)"pw"};
	const struct credentials wrong = {.username = (char *)"user", .password = (char *)"secret"};
	struct registry_options options = {.credentials = &right};
	struct buf log = {0};
	struct diag why = {0};

	(void)state;
	assert_true(fetch("x/auth-basic", NULL, &options, &log, &why) > 0);
	assert_int_equal(2, count_of(buf_string(&log), "/manifests/"));
	assert_true(fetch("good", NULL, &options, &log, &why) > 0);
	assert_null(strstr(buf_string(&log), "authorization"));
	options.credentials = &wrong;
	assert_int_equal(-EACCES, fetch("x/auth-basic", NULL, &options, &log, &why));
	assert_null(strstr(why.text, "secret"));
	assert_int_equal(-EACCES, fetch("x/auth-basic", NULL, NULL, &log, &why));
	assert_non_null(strstr(why.text, "no credentials for 127.0.0.1"));
	/* Nobody in particular may have a token too. */
	assert_true(fetch("x/auth-bearer", NULL, NULL, &log, &why) > 0);
	assert_non_null(strstr(buf_string(&log), "scope=repository%3Ax%2Fauth-bearer%3Apull"));
	buf_release(&log);
}

static void a_token_serves_manifest_and_blobs(void **state)
{
	const struct oci_descriptor blob = fixture_layer(FIXTURE_LAYER_SIZE);
	struct oci_source *source = fixture_source(&server, "y/auth-bearer", NULL);
	char type[MEDIA_TYPE_SIZE_MAX];
	struct buf text = {0}, log = {0};
	struct diag why = {0};

	(void)state;
	(void)fixture_log(&server, &log);
	assert_ok(oci_source_manifest(source, NULL, &text, type, &why), &why);
	assert_int_equal(FIXTURE_LAYER_SIZE, fixture_read(source, &blob, 0, &why));
	assert_int_equal(FIXTURE_LAYER_SIZE, fixture_read(source, &blob, 0, &why));
	assert_int_equal(1, count_of(fixture_log(&server, &log), "/token?"));
	oci_source_close(source);
	buf_release(&text);
	buf_release(&log);
}

/* A registries.conf in which the server's "logical" is at other's mirror and then at the server. */
static void write_conf(char path[64], const char *mirror)
{
	FILE *file;
	int fd;

	(void)snprintf(path, 64, "/tmp/lamina-conf-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	file = fdopen(fd, "w");
	assert_true(fprintf(file,
			    "[[registry]]\nprefix = '127.0.0.1:%d/logical'\n"
			    "location = '127.0.0.1:%d/real'\ninsecure = true\n"
			    "[[registry.mirror]]\nlocation = '127.0.0.1:%d/%s'\ninsecure = true\n",
			    server.port, server.port, other.port, mirror) > 0);
	assert_int_equal(0, fclose(file));
}

static void mirrors_come_first_and_the_registry_last(void **state)
{
	static const struct {
		const char *mirror;
		bool has_manifest; /* else the registry is asked too */
		bool has_blob;
		size_t asked; /* how often the mirror was asked: once for each */
	} cases[] = {
		{"good", true, true, 2},
		{"x/mstatus-404", false, false, 1},
		{"x/mstatus-500", false, false, 1},
		{"x/mstatus-429", false, false, 1},
		{"x/mcut-50", false, false, 1},
		{"x/have-no", true, false, 2},
		{"x/status-503", true, false, 2},
		{"x/cut-100000", true, false, 2},
		{"x/mdigest-wrong", false, false, 1},
	};
	const struct oci_descriptor blob = fixture_layer(FIXTURE_LAYER_SIZE);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct registry_options options = {0};
		char path[64], type[MEDIA_TYPE_SIZE_MAX];
		struct oci_source *source;
		struct buf text = {0}, log = {0};
		struct diag why = {0};

		write_conf(path, cases[i].mirror);
		options.registries_conf = path;
		source = fixture_source(&server, "logical/x", &options);
		(void)fixture_log(&server, &log);
		(void)fixture_log(&other, &log);
		assert_ok(oci_source_manifest(source, NULL, &text, type, &why), &why);
		assert_int_equal(FIXTURE_LAYER_SIZE, fixture_read(source, &blob, 0, &why));
		(void)fixture_log(&server, &log);
		assert_int_equal(!cases[i].has_manifest,
				 strstr(buf_string(&log), "/v2/real/x/manifests/") != NULL);
		assert_int_equal(!cases[i].has_blob,
				 strstr(buf_string(&log), "/v2/real/x/blobs/") != NULL);
		assert_non_null(strstr(fixture_log(&other, &log), "/manifests/latest"));
		assert_int_equal(cases[i].asked, count_of(buf_string(&log), "\"GET\""));
		oci_source_close(source);
		buf_release(&text);
		buf_release(&log);
		assert_int_equal(0, unlink(path));
	}
}

/* The file of credentials of a mirror counts for it, what the user typed does not. */
static void credentials_are_not_for_mirrors(void **state)
{
	const struct credentials mine = {.username = (char *)"user", .password = (char *)"pw"};
	struct registry_options options = {.credentials = &mine};
	char path[64], type[MEDIA_TYPE_SIZE_MAX];
	struct oci_source *source;
	struct buf text = {0}, log = {0};
	struct diag why = {0};

	(void)state;
	write_conf(path, "x/auth-basic");
	options.registries_conf = path;
	source = fixture_source(&server, "logical/auth-basic", &options);
	(void)fixture_log(&other, &log);
	assert_ok(oci_source_manifest(source, NULL, &text, type, &why), &why);
	assert_null(strstr(fixture_log(&other, &log), "authorization"));
	assert_int_equal(1, count_of(buf_string(&log), "/manifests/"));
	assert_non_null(strstr(fixture_log(&server, &log), "Basic dXNlcjpwdw=="));
	oci_source_close(source);
	buf_release(&text);
	buf_release(&log);
	assert_int_equal(0, unlink(path));
}

/* Neither a password nor a request for a token: it is no part of the registry. */
static void where_a_redirect_leads_has_no_credentials_to_ask_for(void **state)
{
	static const char *const kinds[] = {"basic", "bearer"};
	const struct credentials mine = {.username = (char *)"user", .password = (char *)"pw"};
	const struct registry_options options = {.credentials = &mine};
	struct buf log = {0};
	struct diag why = {0};
	char name[64];

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		(void)snprintf(name, sizeof(name), "x/mto-%s.%d", kinds[i], other.port);
		(void)fixture_log(&other, &log);
		assert_int_equal(-EACCES, fetch(name, NULL, &options, &log, &why));
		assert_non_null(strstr(why.text, "not without"));
		assert_null(strstr(buf_string(&log), "authorization"));
		assert_null(strstr(fixture_log(&other, &log), "authorization"));
		assert_null(strstr(buf_string(&log), "/token"));
		assert_int_equal(1, count_of(buf_string(&log), "/challenge"));
	}
	buf_release(&log);
}

static void a_registry_without_tls_is_refused_unless_told(void **state)
{
	struct oci_reference reference;
	struct oci_source *source;
	struct buf text = {0};
	struct diag why = {0};
	char name[64], type[MEDIA_TYPE_SIZE_MAX];

	(void)state;
	(void)snprintf(name, sizeof(name), "127.0.0.1:%d/good", server.port);
	assert_ok(oci_reference_parse(name, &reference, &why), &why);
	assert_ok(
		registry_open(&reference, &(struct registry_options){.retry_ms = 1}, &source, &why),
		&why);
	assert_int_equal(-EPROTO, oci_source_manifest(source, NULL, &text, type, &why));
	oci_source_close(source);
	oci_reference_release(&reference);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_is_had_by_its_tag),
		cmocka_unit_test(a_manifest_is_held_to_its_digest),
		cmocka_unit_test(what_is_not_there_is_said_with_the_registrys_words),
		cmocka_unit_test(what_may_pass_is_tried_again),
		cmocka_unit_test(a_manifest_has_a_largest_size),
		cmocka_unit_test(redirects_that_lead_nowhere_are_errors),
		cmocka_unit_test(credentials_are_for_who_asks_for_them),
		cmocka_unit_test(a_token_serves_manifest_and_blobs),
		cmocka_unit_test(mirrors_come_first_and_the_registry_last),
		cmocka_unit_test(credentials_are_not_for_mirrors),
		cmocka_unit_test(where_a_redirect_leads_has_no_credentials_to_ask_for),
		cmocka_unit_test(a_registry_without_tls_is_refused_unless_told),
	};

	return cmocka_run_group_tests_name("oci/registry", tests, start, stop);
}
