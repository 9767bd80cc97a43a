/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/config.h"
#include "oci/manifest.h"

#define A "\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define B "\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""
#define ROOTFS(ids) "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" ids "]}"

static int parse(const char *text, struct oci_config **ret)
{
	struct diag why = {0};
	int r = oci_config_parse(span_of_string(text), ret, &why);

	if (r < 0)
		assert_true(why.text[0]);
	return r;
}

static void a_config_tells_layers_and_how_to_run(void **state)
{
	struct oci_config *config;

	(void)state;
	assert_int_equal(
		0, parse("{\"created\":\"2024-01-02T03:04:05Z\",\"author\":\"me\","
			 "\"architecture\":\"arm\",\"variant\":\"v7\",\"os\":\"linux\","
			 "\"config\":{\"Env\":[\"PATH=/bin\",\"A=b=c\"],\"Entrypoint\":[\"/init\"],"
			 "\"Cmd\":[\"-x\",\"\"],\"User\":\"12:34\",\"WorkingDir\":\"/srv\","
			 "\"Volumes\":{\"/data\":{},\"/more\":{}},\"ExposedPorts\":{\"80/tcp\":{}},"
			 "\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGINT\",\"OnBuild\":null}"
			 "," ROOTFS(A "," B "," A) ",\"history\":[{\"created_by\":\"ADD\"},"
						   "{\"created_by\":\"ENV\",\"empty_layer\":true},{"
						   "\"comment\":\"c\"},"
						   "{\"empty_layer\":false}]}",
			 &config));
	assert_string_equal("arm", config->platform.architecture);
	assert_string_equal("v7", config->platform.variant);
	assert_string_equal("2024-01-02T03:04:05Z", config->created);
	assert_int_equal(3, config->diff_id_count);
	assert_true(digest_equal(&config->diff_ids[0], &config->diff_ids[2]));
	assert_int_equal(0xbb, config->diff_ids[1].bytes[0]);
	assert_int_equal(4, config->history_count);
	assert_true(config->history_fits);
	assert_true(config->history[1].is_empty);
	assert_string_equal("c", config->history[2].comment);
	assert_null(config->history[2].created_by);
	assert_int_equal(2, config->env.count);
	assert_string_equal("A=b=c", config->env.items[1]);
	assert_null(config->env.items[2]);
	assert_int_equal(1, config->entrypoint.count);
	assert_int_equal(2, config->cmd.count);
	assert_string_equal("", config->cmd.items[1]);
	assert_int_equal(2, config->volumes.count);
	assert_string_equal("80/tcp", config->exposed_ports.items[0]);
	assert_string_equal("12:34", config->user);
	assert_string_equal("/srv", config->working_dir);
	assert_string_equal("SIGINT", config->stop_signal);
	assert_string_equal("v", oci_annotation(config->labels, "k"));
	oci_config_free(config);
}

/* As Docker writes it. */
static void null_is_the_same_as_missing(void **state)
{
	struct oci_config *config;

	(void)state;
	assert_int_equal(0, parse("{\"architecture\":null,\"config\":{\"Env\":null,\"Cmd\":null,"
				  "\"Entrypoint\":null,\"Volumes\":null,\"Labels\":null,\"User\":"
				  "null,\"ExposedPorts\":null},"
				  "\"rootfs\":{\"diff_ids\":null},\"history\":null}",
				  &config));
	assert_int_equal(0, config->diff_id_count);
	assert_int_equal(0, config->env.count);
	assert_non_null(config->env.items);
	assert_int_equal(0, config->volumes.count);
	assert_null(config->user);
	assert_null(config->labels);
	assert_string_equal("", config->platform.architecture);
	assert_true(config->history_fits);
	oci_config_free(config);

	assert_int_equal(0, parse("{" ROOTFS(A) "}", &config));
	assert_int_equal(1, config->diff_id_count);
	assert_int_equal(0, config->cmd.count);
	assert_false(config->history_fits);
	oci_config_free(config);
}

static void malformed_configs_are_refused(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"rootfs\":[]}",
		"{\"rootfs\":{\"type\":\"base\",\"diff_ids\":[]}}",
		"{\"rootfs\":{\"diff_ids\":{}}}",
		"{" ROOTFS("7") "}",
		"{" ROOTFS("\"sha256:aa\"") "}",
		"{" ROOTFS("null") "}",
		"{" ROOTFS("") ",\"os\":1}",
		"{" ROOTFS("") ",\"os\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
		"{" ROOTFS("") ",\"history\":{}}",
		"{" ROOTFS("") ",\"history\":[1]}",
		"{" ROOTFS("") ",\"history\":[{\"empty_layer\":1}]}",
		"{" ROOTFS("") ",\"history\":[{\"created_by\":1}]}",
		"{" ROOTFS("") ",\"config\":[]}",
		"{" ROOTFS("") ",\"config\":{\"Env\":\"A=b\"}}",
		"{" ROOTFS("") ",\"config\":{\"Env\":[1]}}",
		"{" ROOTFS("") ",\"config\":{\"Cmd\":{}}}",
		"{" ROOTFS("") ",\"config\":{\"Volumes\":[]}}",
		"{" ROOTFS("") ",\"config\":{\"Labels\":{\"a\":1}}}",
		"{" ROOTFS("") ",\"config\":{\"User\":0}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct oci_config *config = NULL;

		assert_int_equal(-EUCLEAN, parse(bad[i], &config));
		assert_null(config);
	}
}

static void layers_have_a_limit(void **state)
{
	struct buf text = {0};
	struct oci_config *config;

	(void)state;
	(void)buf_append_string(&text, "{\"rootfs\":{\"diff_ids\":[" A);
	for (size_t i = 0; i < LAYER_COUNT_MAX; i++)
		(void)buf_append_string(&text, "," B);
	(void)buf_append_string(&text, "]}}");
	assert_int_equal(-E2BIG, parse(buf_string(&text), &config));
	buf_release(&text);
}

static void a_manifest_has_as_many_layers_as_its_config(void **state)
{
	struct oci_manifest manifest = {.count = 2};
	struct oci_config *config;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, parse("{" ROOTFS(A "," B) "}", &config));
	assert_ok(oci_config_check_manifest(config, &manifest, &why), &why);
	manifest.count = 1;
	assert_int_equal(-EUCLEAN, oci_config_check_manifest(config, &manifest, &why));
	assert_string_equal("the manifest has 1 layers, its config 2", why.text);
	oci_config_free(config);
}

/* A list of count strings, or an object of as many, as key of a config. */
static int parse_list(const char *key, bool is_list, size_t count, struct diag *why)
{
	struct oci_config *config = NULL;
	struct buf text = {0};
	int r;

	assert_int_equal(0, buf_printf(&text, "{" ROOTFS("") ",\"config\":{\"%s\":%c", key,
				       is_list ? '[' : '{'));
	for (size_t i = 0; i < count; i++)
		assert_int_equal(0, buf_printf(&text, is_list ? "%s\"N%zu=\"" : "%s\"%zu\":\"\"",
					       i ? "," : "", i));
	assert_int_equal(0, buf_printf(&text, "%c}}", is_list ? ']' : '}'));
	r = oci_config_parse(buf_span(&text), &config, why);
	oci_config_free(config);
	buf_release(&text);
	return r;
}

static void long_lists_are_refused(void **state)
{
	static const char *const keys[] = {"Env",     "Entrypoint",   "Cmd",
					   "Volumes", "ExposedPorts", "Labels"};
	char expected[80];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct diag why = {0};

		assert_ok(parse_list(keys[i], i < 3, CONFIG_LIST_MAX, &why), &why);
		assert_int_equal(-E2BIG, parse_list(keys[i], i < 3, CONFIG_LIST_MAX + 1, &why));
		(void)snprintf(expected, sizeof(expected),
			       "'%s' has 4097 entries, at most 4096 can be", keys[i]);
		assert_string_equal(expected, why.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_config_tells_layers_and_how_to_run),
		cmocka_unit_test(null_is_the_same_as_missing),
		cmocka_unit_test(malformed_configs_are_refused),
		cmocka_unit_test(layers_have_a_limit),
		cmocka_unit_test(a_manifest_has_as_many_layers_as_its_config),
		cmocka_unit_test(long_lists_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
