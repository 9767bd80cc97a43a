/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/config.h"
#include "oci/derive.h"
#include "oci/image.h"
#include "oci/manifest.h"
#include "verity/sha.h"

#define EIGHT(digit) digit digit digit digit digit digit digit digit
#define DIFF(digit)                                                                             \
	"sha256:" EIGHT(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit) EIGHT(digit) \
		EIGHT(digit) EIGHT(digit)

static struct digest digest_of_text(const char *text)
{
	struct digest digest;

	assert_int_equal(0, oci_digest_parse(span_of_string(text), &digest));
	return digest;
}

static struct derive_layer layer_of(const char *diff_id)
{
	return (struct derive_layer){
		.diff_id = digest_of_text(diff_id), .tar_bytes = 2048, .created_by = "test"};
}

/* An image of these two documents, as far as derive_documents() looks at it. */
static void base_make(const char *config, const char *manifest, struct oci_image *ret)
{
	struct diag why = {0};

	*ret = (struct oci_image){.digest = digest_of_text(DIFF("f"))};
	assert_ok(oci_config_parse(span_of_string(config), &ret->config, &why), &why);
	assert_ok(oci_manifest_parse(span_of_string(manifest), "", &ret->manifest, &why), &why);
}

static void base_release(struct oci_image *base)
{
	oci_config_free(base->config);
	oci_manifest_free(base->manifest);
}

static void derive_ok(const struct derive_request *request, struct buf *config,
		      struct buf *manifest)
{
	CLEAN(oci_config_freep) struct oci_config *parsed_config = NULL;
	CLEAN(oci_manifest_freep) struct oci_manifest *parsed = NULL;
	struct digest digest;
	struct diag why = {0};

	assert_ok(derive_documents(request, config, manifest, &why), &why);
	/* They are documents, and belong together. */
	assert_ok(oci_config_parse(buf_span(config), &parsed_config, &why), &why);
	assert_ok(oci_manifest_parse(buf_span(manifest), "", &parsed, &why), &why);
	assert_ok(oci_manifest_check_layers(parsed, &why), &why);
	assert_ok(oci_config_check_manifest(parsed_config, parsed, &why), &why);
	assert_ok(sha_of(DIGEST_SHA256, buf_span(config), &digest, &why), &why);
	assert_true(digest_equal(&digest, &parsed->config.descriptor.digest));
	assert_int_equal(config->size, parsed->config.descriptor.size);
}

static void an_image_of_nothing_but_its_layer(void **state)
{
	const struct derive_layer layer = layer_of(DIFF("1"));
	const struct derive_request request = {
		.layers = &layer, .layer_count = 1, .created = 86400};
	CLEAN(buf_release) struct buf config = {0}, manifest = {0}, expected = {0};
	struct oci_platform host;

	(void)state;
	oci_platform_host(&host);
	derive_ok(&request, &config, &manifest);
	(void)buf_printf(&expected,
			 "{\"architecture\":\"%s\",\"os\":\"linux\",%s%s%s\"created\":"
			 "\"1970-01-02T00:00:00Z\",\"config\":{},\"rootfs\":{\"type\":\"layers\","
			 "\"diff_ids\":[\"" DIFF(
				 "1") "\"]},\"history\":[{\"created\":\"1970-01-02T00:00:00Z\","
				      "\"created_by\":\"test\"}]}",
			 host.architecture, host.variant[0] ? "\"variant\":\"" : "", host.variant,
			 host.variant[0] ? "\"," : "");
	assert_string_equal(buf_string(&expected), buf_string(&config));
	assert_non_null(
		strstr(buf_string(&manifest),
		       "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
		       "\"digest\":\"" DIFF("1") "\",\"size\":2048}]}"));
	assert_null(strstr(buf_string(&manifest), "annotations"));
}

static const char docker_config[] =
	"{\"architecture\":\"arm\",\"variant\":\"v7\",\"os\":\"linux\",\"author\":\"them\","
	"\"container\":\"c\",\"container_config\":{\"Cmd\":[\"x\"]},\"docker_version\":\"1\","
	"\"config\":{\"Env\":[\"A=1\",\"B=2\"],\"Cmd\":[\"run\"],\"Healthcheck\":{\"Test\":[]}},"
	"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIFF("1") "\",\"" DIFF(
		"2") "\"]},"
		     "\"history\":[{\"created_by\":\"one\"},{\"created_by\":\"two\"}]}";

static const char docker_manifest[] =
	"{\"schemaVersion\":2,\"mediaType\":\"application/"
	"vnd.docker.distribution.manifest.v2+json\","
	"\"config\":{\"mediaType\":\"application/"
	"vnd.docker.container.image.v1+json\",\"digest\":\"" DIFF(
		"3") "\",\"size\":3},"
		     "\"layers\":[{\"mediaType\":\"application/"
		     "vnd.docker.image.rootfs.diff.tar.gzip\","
		     "\"digest\":\"" DIFF(
			     "4") "\",\"size\":4,\"annotations\":{\"k\":\"v\"}},"
				  "{\"mediaType\":\"application/vnd.docker.image.rootfs.diff.tar\","
				  "\"digest\":\"" DIFF("2") "\",\"size\":5}]}";

static void a_base_of_docker_keeps_its_layers_and_what_it_says(void **state)
{
	const struct derive_layer layer = layer_of(DIFF("5"));
	struct oci_image base;
	const struct derive_request request = {.base = &base, .layers = &layer, .layer_count = 1};
	CLEAN(buf_release) struct buf config = {0}, manifest = {0};
	const char *text;

	(void)state;
	base_make(docker_config, docker_manifest, &base);
	derive_ok(&request, &config, &manifest);
	base_release(&base);
	text = buf_string(&config);
	assert_null(strstr(text, "container"));
	assert_null(strstr(text, "docker_version"));
	assert_non_null(strstr(text, "\"architecture\":\"arm\",\"variant\":\"v7\""));
	assert_non_null(strstr(text, "\"author\":\"them\""));
	assert_non_null(strstr(text, "\"Healthcheck\":{\"Test\":[]}"));
	assert_non_null(strstr(text, "[\"" DIFF("1") "\",\"" DIFF("2") "\",\"" DIFF("5") "\"]"));
	assert_non_null(
		strstr(text, "{\"created_by\":\"one\"},{\"created_by\":\"two\"},{\"created\""));
	text = buf_string(&manifest);
	assert_null(strstr(text, "docker"));
	assert_non_null(strstr(
		text, "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\","
		      "\"digest\":\"" DIFF("4") "\",\"size\":4,\"annotations\":{\"k\":\"v\"}}"));
	assert_non_null(strstr(text, "org.opencontainers.image.base.digest\":\"" DIFF("f")));
}

/* The "config" object after these changes of docker_config. */
static int change(const char *const *changes, json_t **ret, struct diag *why)
{
	CLEAN(buf_release) struct buf config = {0}, manifest = {0};
	struct oci_image base;
	const struct derive_request request = {.base = &base, .changes = changes};
	json_t *document;
	int r;

	base_make(docker_config, docker_manifest, &base);
	r = derive_documents(&request, &config, &manifest, why);
	base_release(&base);
	if (r < 0)
		return r;
	document = json_loadb((const char *)config.data, config.size, 0, NULL);
	*ret = json_incref(json_object_get(document, "config"));
	json_decref(document);
	return 0;
}

static void assert_change(const char *instruction, const char *expected)
{
	const char *const changes[] = {instruction, NULL};
	struct diag why = {0};
	json_t *found = NULL;
	char *text;

	assert_ok(change(changes, &found, &why), &why);
	(void)json_object_del(found, "Healthcheck");
	text = json_dumps(found, JSON_COMPACT);
	assert_string_equal(expected, text);
	free(text);
	json_decref(found);
}

#define ENV "\"Env\":[\"A=1\",\"B=2\"]"
#define BOTH ENV ",\"Cmd\":[\"run\"]"

static void instructions_change_how_it_runs(void **state)
{
	(void)state;
	assert_change("CMD [\"a\", \"b\"]", "{" ENV ",\"Cmd\":[\"a\",\"b\"]}");
	assert_change("cmd=echo \"x\" y",
		      "{" ENV ",\"Cmd\":[\"/bin/sh\",\"-c\",\"echo \\\"x\\\" y\"]}");
	assert_change("CMD []", "{" ENV ",\"Cmd\":[]}");
	assert_change("CMD [1]", "{" ENV ",\"Cmd\":[\"/bin/sh\",\"-c\",\"[1]\"]}");
	assert_change("ENTRYPOINT [\"e\"]", "{" ENV ",\"Entrypoint\":[\"e\"]}");
	assert_change("ENV A=new value", "{\"Env\":[\"A=new value\",\"B=2\"],\"Cmd\":[\"run\"]}");
	assert_change("ENV C=\"quo ted\"",
		      "{\"Env\":[\"A=1\",\"B=2\",\"C=quo ted\"],\"Cmd\":[\"run\"]}");
	assert_change("ENV B=", "{\"Env\":[\"A=1\",\"B=\"],\"Cmd\":[\"run\"]}");
	assert_change("LABEL a.b=c=d", "{" BOTH ",\"Labels\":{\"a.b\":\"c=d\"}}");
	assert_change("USER  1:2", "{" BOTH ",\"User\":\"1:2\"}");
	assert_change("WORKDIR /x y", "{" BOTH ",\"WorkingDir\":\"/x y\"}");
	assert_change("STOPSIGNAL SIGINT", "{" BOTH ",\"StopSignal\":\"SIGINT\"}");
	assert_change("EXPOSE 80", "{" BOTH ",\"ExposedPorts\":{\"80/tcp\":{}}}");
	assert_change("EXPOSE 53/udp", "{" BOTH ",\"ExposedPorts\":{\"53/udp\":{}}}");
	assert_change("VOLUME /v", "{" BOTH ",\"Volumes\":{\"/v\":{}}}");
	assert_change("VOLUME [\"/v\",\"/w\"]", "{" BOTH ",\"Volumes\":{\"/v\":{},\"/w\":{}}}");
}

static void an_entrypoint_with_a_command_keeps_that(void **state)
{
	const char *const changes[] = {"CMD [\"c\"]", "ENTRYPOINT [\"e\"]", "ENV C=1", "ENV C=2",
				       NULL};
	struct diag why = {0};
	json_t *found = NULL;

	(void)state;
	assert_ok(change(changes, &found, &why), &why);
	assert_string_equal("c",
			    json_string_value(json_array_get(json_object_get(found, "Cmd"), 0)));
	assert_int_equal(3, json_array_size(json_object_get(found, "Env")));
	json_decref(found);
}

static void what_is_no_instruction_is_refused(void **state)
{
	static const char *const refused[] = {
		"",           "CMD",          "CMD ",           "RUN x",         "COPY a b",
		"ENV A",      "ENV =v",       "LABEL x",        "WORKDIR x",     "EXPOSE 0x1",
		"EXPOSE",     "EXPOSE 65536", "EXPOSE 80/icmp", "EXPOSE 999999", "USER \xff",
		"ENV A=\xff", "LABEL \xff=a", "CMD \xff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *const changes[] = {refused[i], NULL};
		struct diag why = {0};
		json_t *found = NULL;

		if (change(changes, &found, &why) != -EINVAL)
			fail_msg("'%s' is taken", refused[i]);
		assert_true(why.text[0] != '\0');
	}
}

static void what_is_said_of_it_has_its_place(void **state)
{
	struct derive_layer layers[2] = {layer_of(DIFF("1")), layer_of(DIFF("1"))};
	const struct derive_request request = {.layers = layers, .layer_count = 2, .author = "me"};
	CLEAN(buf_release) struct buf config = {0}, manifest = {0};

	(void)state;
	layers[1].comment = "why";
	derive_ok(&request, &config, &manifest);
	assert_non_null(strstr(buf_string(&config), "\"author\":\"me\",\"config\""));
	assert_non_null(strstr(buf_string(&config),
			       "{\"created\":\"1970-01-01T00:00:00Z\",\"created_by\":\"test\","
			       "\"author\":\"me\"},{\"created\":\"1970-01-01T00:00:00Z\","
			       "\"created_by\":\"test\",\"author\":\"me\",\"comment\":\"why\"}]"));
}

static int derive(const struct derive_request *request, struct diag *why)
{
	CLEAN(buf_release) struct buf config = {0}, manifest = {0};

	return derive_documents(request, &config, &manifest, why);
}

static void requests_that_no_document_can_hold_are_refused(void **state)
{
	struct derive_layer *layers = calloc(LAYER_COUNT_MAX + 1, sizeof(*layers));
	struct derive_request request = {.layers = layers, .layer_count = LAYER_COUNT_MAX};
	struct oci_image artifact = {0};

	(void)state;
	assert_non_null(layers);
	for (size_t i = 0; i <= LAYER_COUNT_MAX; i++)
		layers[i] = layer_of(DIFF("1"));
	assert_int_equal(0, derive(&request, NULL));
	request.layer_count++;
	assert_int_equal(-E2BIG, derive(&request, NULL));
	request.layer_count = 1;
	request.created = 253402300800; /* the year 10000 */
	assert_int_equal(-EINVAL, derive(&request, NULL));
	request.created = INT64_MAX;
	assert_int_equal(-EINVAL, derive(&request, NULL));
	request.created = 253402300799;
	assert_int_equal(0, derive(&request, NULL));
	request.author = "\xff";
	assert_int_equal(-EINVAL, derive(&request, NULL));
	request.author = NULL;
	request.base = &artifact;
	assert_int_equal(-EINVAL, derive(&request, NULL));
	free(layers);
}

static void a_config_that_would_be_refused_is_not_made(void **state)
{
	static char text[CONFIG_LIST_MAX + 1][24];
	static const char *changes[CONFIG_LIST_MAX + 2];
	const struct derive_layer layer = layer_of(DIFF("1"));
	const struct derive_request request = {
		.layers = &layer, .layer_count = 1, .changes = changes};
	CLEAN(buf_release) struct buf config = {0}, manifest = {0};
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < CONFIG_LIST_MAX + 1; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "LABEL n%zu=", i);
		changes[i] = text[i];
	}
	assert_int_equal(-E2BIG, derive_documents(&request, &config, &manifest, &why));
	assert_string_equal("'Labels' has 4097 entries, at most 4096 can be", why.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_image_of_nothing_but_its_layer),
		cmocka_unit_test(a_base_of_docker_keeps_its_layers_and_what_it_says),
		cmocka_unit_test(instructions_change_how_it_runs),
		cmocka_unit_test(an_entrypoint_with_a_command_keeps_that),
		cmocka_unit_test(what_is_no_instruction_is_refused),
		cmocka_unit_test(what_is_said_of_it_has_its_place),
		cmocka_unit_test(requests_that_no_document_can_hold_are_refused),
		cmocka_unit_test(a_config_that_would_be_refused_is_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
