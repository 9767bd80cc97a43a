/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "oci/config.h"
#include "oci/runtime_spec.h"

static const char image_text[] =
	"{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
	"[]},"
	"\"config\":{\"Entrypoint\":[\"/init\",\"-v\"],\"Cmd\":[\"serve\"],\"WorkingDir\":\"/srv\","
	"\"Env\":[\"PATH=/opt/bin\",\"MODE=a=b\"]}}";

static struct oci_config *image;

static int set_up(void **state)
{
	(void)state;
	return oci_config_parse(SPAN_LITERAL(image_text), &image, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	oci_config_free(image);
	return 0;
}

static struct runtime_request simple(void)
{
	return (struct runtime_request){.image = image, .rootfs = "/r", .hostname = "box"};
}

static json_t *written(const struct runtime_request *request)
{
	struct buf text = {0};
	struct diag why = {0};
	json_t *document;

	assert_ok(runtime_spec_write(request, &text, &why), &why);
	document = json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(document);
	buf_release(&text);
	return document;
}

/* The strings of a list, with a blank between. */
static void assert_words(const char *expected, const json_t *list)
{
	char text[1024] = "";

	assert_non_null(list);
	for (size_t i = 0; i < json_array_size(list); i++) {
		(void)strncat(text, i ? " " : "", sizeof(text) - strlen(text) - 1);
		(void)strncat(text, json_string_value(json_array_get(list, i)),
			      sizeof(text) - strlen(text) - 1);
	}
	assert_string_equal(expected, text);
}

static json_t *process_of(const json_t *document)
{
	return json_object_get(json_object_get(document, "process"), "args")
		       ? json_object_get(document, "process")
		       : NULL;
}

static void assert_arguments(const char *expected, const struct runtime_request *request)
{
	json_t *document = written(request);

	assert_words(expected, json_object_get(process_of(document), "args"));
	json_decref(document);
}

static void the_image_says_what_runs_and_where(void **state)
{
	const struct runtime_request request = simple();
	json_t *document = written(&request), *process = process_of(document);

	(void)state;
	assert_words("/init -v serve", json_object_get(process, "args"));
	assert_words("PATH=/opt/bin HOSTNAME=box container=lamina MODE=a=b HOME=/",
		     json_object_get(process, "env"));
	assert_string_equal("/srv", json_string_value(json_object_get(process, "cwd")));
	assert_string_equal("/r", json_string_value(json_object_get(
					  json_object_get(document, "root"), "path")));
	json_decref(document);
}

static void a_command_takes_the_place_of_cmd_and_an_entrypoint_of_both(void **state)
{
	const char *const command[] = {"ls", "-l", NULL}, *const entrypoint[] = {"/bin/sh", NULL};
	struct runtime_request request = simple();

	(void)state;
	request.command = command;
	assert_arguments("/init -v ls -l", &request);
	request.entrypoint = entrypoint;
	assert_arguments("/bin/sh ls -l", &request);
	request.command = NULL;
	assert_arguments("/bin/sh", &request);
}

static void later_settings_of_a_variable_win(void **state)
{
	const char *const env[] = {"MODE=x", "HOME=/h", "RUNTIME_SPEC_OURS", "RUNTIME_SPEC_NOT_SET",
				   "MODE=y", NULL};
	struct runtime_request request = simple();
	json_t *document;

	(void)state;
	assert_int_equal(0, setenv("RUNTIME_SPEC_OURS", "here", 1));
	request.env = env;
	document = written(&request);
	assert_words("PATH=/opt/bin HOSTNAME=box container=lamina MODE=y HOME=/h "
		     "RUNTIME_SPEC_OURS=here",
		     json_object_get(process_of(document), "env"));
	json_decref(document);
}

static size_t capabilities_of(const json_t *document, const char *set)
{
	return json_array_size(
		json_object_get(json_object_get(process_of(document), "capabilities"), set));
}

static void only_root_has_capabilities_to_begin_with(void **state)
{
	const uint32_t groups[] = {5, 6};
	struct runtime_request request = simple();
	json_t *document = written(&request), *user;

	(void)state;
	assert_int_equal(11, capabilities_of(document, "effective"));
	json_decref(document);
	request.user = (struct runtime_user){1000, 100, groups, 2};
	document = written(&request);
	assert_int_equal(0, capabilities_of(document, "effective"));
	assert_int_equal(11, capabilities_of(document, "bounding"));
	user = json_object_get(process_of(document), "user");
	assert_int_equal(1000, json_integer_value(json_object_get(user, "uid")));
	assert_int_equal(100, json_integer_value(json_object_get(user, "gid")));
	assert_int_equal(2, json_array_size(json_object_get(user, "additionalGids")));
	json_decref(document);
}

static bool has_namespace(const json_t *document, const char *type)
{
	const json_t *list = json_object_get(json_object_get(document, "linux"), "namespaces");

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (strcmp(type, json_string_value(
					 json_object_get(json_array_get(list, i), "type"))) == 0)
			return true;
	}
	return false;
}

static const char *type_at(const json_t *document, const char *target)
{
	const json_t *list = json_object_get(document, "mounts"), *mount;

	for (size_t i = json_array_size(list); i-- > 0;) {
		mount = json_array_get(list, i);
		if (strcmp(target, json_string_value(json_object_get(mount, "destination"))) == 0)
			return json_string_value(json_object_get(mount, "type"));
	}
	return NULL;
}

static void sysfs_needs_a_network_of_its_own_in_a_user_namespace(void **state)
{
	struct runtime_request request = simple();
	json_t *document;

	(void)state;
	request.is_in_userns = true;
	document = written(&request);
	assert_string_equal("bind", type_at(document, "/sys"));
	assert_false(has_namespace(document, "network"));
	json_decref(document);
	request.has_own_network = true;
	document = written(&request);
	assert_string_equal("sysfs", type_at(document, "/sys"));
	assert_true(has_namespace(document, "network"));
	json_decref(document);
}

static void an_id_map_is_a_user_namespace(void **state)
{
	struct idmaps maps = {0};
	struct runtime_request request = simple();
	json_t *document, *first;

	(void)state;
	assert_int_equal(0, idmap_add_list(&maps.uids, "0:100000:65536", NULL));
	assert_int_equal(0, idmap_add_list(&maps.gids, "0:200000:10", NULL));
	request.maps = &maps;
	document = written(&request);
	assert_true(has_namespace(document, "user"));
	first = json_array_get(json_object_get(json_object_get(document, "linux"), "gidMappings"),
			       0);
	assert_int_equal(200000, json_integer_value(json_object_get(first, "hostID")));
	assert_int_equal(10, json_integer_value(json_object_get(first, "size")));
	json_decref(document);
}

static void assert_refused(const struct runtime_request *request, const char *part)
{
	struct buf text = {0};
	struct diag why = {0};

	assert_int_equal(-EINVAL, runtime_spec_write(request, &text, &why));
	assert_non_null(strstr(why.text, part));
	assert_int_equal(0, text.size);
	buf_release(&text);
}

static void what_no_runtime_could_run_is_refused(void **state)
{
	const char *const nothing[] = {NULL}, *const nameless[] = {"=x", NULL},
			  *const raw[] = {"\xff", NULL};
	const struct runtime_bind bind = {"/a", "b", false};
	struct runtime_request request = simple();

	(void)state;
	request.entrypoint = nothing;
	assert_refused(&request, "no command");
	request = simple();
	request.env = nameless;
	assert_refused(&request, "without a name");
	request = simple();
	request.command = raw;
	assert_refused(&request, "UTF-8");
	request = simple();
	request.working_dir = "srv";
	assert_refused(&request, "not absolute");
	request = simple();
	request.binds = &bind;
	request.bind_count = 1;
	assert_refused(&request, "'b' is not absolute");
}

static void what_tells_of_the_host_is_hidden(void **state)
{
	const struct runtime_request request = simple();
	json_t *document = written(&request), *part = json_object_get(document, "linux");

	(void)state;
	/* as podman 4.3 writes them */
	assert_words("/proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list "
		     "/proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware "
		     "/sys/fs/selinux /sys/dev/block",
		     json_object_get(part, "maskedPaths"));
	assert_words("/proc/asound /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger",
		     json_object_get(part, "readonlyPaths"));
	json_decref(document);
}

static void a_hook_is_called_with_the_root(void **state)
{
	struct runtime_request request = simple();
	json_t *document = written(&request), *hook;

	(void)state;
	assert_null(json_object_get(document, "hooks"));
	json_decref(document);
	request.hook[0] = "/bin/it";
	request.hook[1] = "hook";
	document = written(&request);
	hook = json_array_get(
		json_object_get(json_object_get(document, "hooks"), "createContainer"), 0);
	assert_string_equal("/bin/it", json_string_value(json_object_get(hook, "path")));
	assert_words("hook /r", json_object_get(hook, "args"));
	json_decref(document);
	request.hook[0] = "\xff";
	assert_refused(&request, "UTF-8");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

/* Jansson's memory, which ends after so many allocations. */
static size_t allocations_left;

static void *allocate(size_t size)
{
	return allocations_left > 0 ? (allocations_left--, malloc(size)) : NULL;
}

/* Less than all of it would be a container with fewer walls. */
static void too_little_memory_loses_nothing_silently(void **state)
{
	const char *const env[] = {"MODE=x", NULL};
	struct idmaps maps = {0};
	uint32_t groups[] = {4, 5};
	struct runtime_request request = simple();
	struct buf whole = {0};
	struct diag why = {0};
	size_t enough = 0;
	int r = -ENOMEM;

	(void)state;
	assert_int_equal(0, idmap_add_list(&maps.uids, "0:100000:65536", NULL));
	assert_int_equal(0, idmap_add_list(&maps.gids, "0:200000:10", NULL));
	request.maps = &maps;
	request.has_own_network = true;
	request.env = env;
	request.user.additional_gids = groups;
	request.user.additional_gid_count = 2;
	assert_ok(runtime_spec_write(&request, &whole, &why), &why);
	for (; r < 0; enough++) {
		struct buf text = {0};

		allocations_left = enough;
		json_set_alloc_funcs(allocate, free);
		r = runtime_spec_write(&request, &text, NULL);
		json_set_alloc_funcs(malloc, free);
		if (r == 0)
			assert_true(span_equal(buf_span(&whole), buf_span(&text)));
		else
			assert_int_equal(-ENOMEM, r);
		buf_release(&text);
	}
	assert_true(enough > 100);
	buf_release(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_image_says_what_runs_and_where),
		TEST(a_command_takes_the_place_of_cmd_and_an_entrypoint_of_both),
		TEST(later_settings_of_a_variable_win),
		TEST(only_root_has_capabilities_to_begin_with),
		TEST(sysfs_needs_a_network_of_its_own_in_a_user_namespace),
		TEST(an_id_map_is_a_user_namespace),
		TEST(what_no_runtime_could_run_is_refused),
		TEST(too_little_memory_loses_nothing_silently),
		TEST(what_tells_of_the_host_is_hidden),
		TEST(a_hook_is_called_with_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
