/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * storage_conf.c, and storage_stores.c as far as it does not depend on the files of this machine.
 */
#include "made.h"

#include <sys/wait.h>

#include "base/limits.h"
#include "oci/storage_conf.h"

static void a_file_says_where_images_are(void **state)
{
	static const char text[] = "foo = 'bar'\n"
				   "graphroot = '/not/in/a/table'\n"
				   "[storage]\n"
				   "driver = \"overlay\"\n"
				   "runroot = '/run'\n"
				   "graphroot = '/graph'\n"
				   "imagestore = '/images'\n"
				   "rootless_storage_path = '$HOME/x'\n"
				   "driver_priority = [ 'vfs' ]\n"
				   "[storage.options]\n"
				   "driver = 'not this'\n"
				   "additionalimagestores = [ '/a', # one\n '', \"/b\", ]\n"
				   "[storage.options.overlay]\n"
				   "additionalimagestores = [ '/not/this' ]\n"
				   "[other]\n"
				   "graphroot = 7\n";
	struct storage_conf conf = {0};
	struct diag why = {0};

	(void)state;
	assert_ok(storage_conf_parse(span_of_string(text), &conf, &why), &why);
	assert_string_equal("overlay", conf.driver);
	assert_string_equal("/graph", conf.graph_root);
	assert_string_equal("/images", conf.image_store);
	assert_string_equal("$HOME/x", conf.rootless_root);
	assert_int_equal(2, conf.additional_count);
	assert_string_equal("/a", conf.additional[0]);
	assert_string_equal("/b", conf.additional[1]);
	storage_conf_release(&conf);

	assert_ok(storage_conf_parse(SPAN_LITERAL("[storage]\ndriver=''\n"), &conf, &why), &why);
	assert_null(conf.driver);
	assert_null(conf.graph_root);
	storage_conf_release(&conf);
}

static void what_is_malformed_is_refused(void **state)
{
	static const char *const cases[] = {
		"[storage]\ngraphroot = 7\n",
		"[storage]\ndriver = ['overlay']\n",
		"[storage.options]\nadditionalimagestores = '/a'\n",
		"[storage\n",
	};
	struct buf text = {0};
	struct storage_conf conf;
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why.text[0] = '\0';
		assert_int_equal(-EUCLEAN,
				 storage_conf_parse(span_of_string(cases[i]), &conf, &why));
		assert_non_null(strstr(why.text, "line "));
	}
	assert_int_equal(0, buf_append_string(&text, "[storage.options]\n"
						     "additionalimagestores = ["));
	for (int i = 0; i <= STORAGE_ROOT_MAX; i++)
		assert_int_equal(0, buf_printf(&text, "'/%d',", i));
	assert_int_equal(0, buf_append_string(&text, "]"));
	assert_int_equal(-E2BIG, storage_conf_parse(buf_span(&text), &conf, &why));
	buf_release(&text);
}

/* "driver|path path": what a store in brackets, or NULL, comes to. */
static const char *stores_of(const char *store)
{
	static char text[1024];
	struct storage_stores stores = {0};
	struct diag why = {0};
	int r = storage_stores_find(store, &stores, &why);
	size_t used;

	if (r < 0) {
		assert_true(why.text[0]);
		(void)snprintf(text, sizeof(text), "%d %s", -r, why.text);
		return text;
	}
	used = (size_t)snprintf(text, sizeof(text), "%s%s|", stores.driver ? stores.driver : "",
				stores.driver_is_set ? "!" : "");
	for (size_t i = 0; i < stores.count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
					 stores.paths[i]);
	storage_stores_release(&stores);
	return text;
}

static void brackets_name_a_store(void **state)
{
	(void)state;
	(void)unsetenv("STORAGE_DRIVER");
	assert_string_equal("|/a/b", stores_of("/a/b"));
	assert_string_equal("overlay!|/a/b", stores_of("overlay@/a/b"));
	assert_string_equal("vfs!|/a/b", stores_of("vfs@/a/b+/run/c"));
	assert_string_equal("|/a@b", stores_of("/a@b"));
	assert_string_equal("overlay!|/a /c /d",
			    stores_of("overlay@/a+/b:overlay.imagestore=/c,x=y,imagestore=/d,"
				      ".imagestore=/a,flag"));
	assert_string_equal("|/a", stores_of("/a:x=y"));
	assert_non_null(strstr(stores_of("overlay@"), "names no directory"));
	assert_non_null(strstr(stores_of("a/b"), "no absolute path"));
	assert_non_null(strstr(stores_of("/a:imagestore="), "no absolute path"));
}

static void the_environment_chooses_the_file(void **state)
{
	char folder[FOLDER_SIZE];

	(void)state;
	made_folder(folder);
	(void)setenv("CONTAINERS_STORAGE_CONF", made_path(folder, "storage.conf"), 1);
	assert_non_null(strstr(stores_of(NULL), "there is no "));

	(void)setenv("WHERE", "/somewhere", 1);
	(void)unsetenv("NOWHERE");
	made_file(folder, "storage.conf",
		  SPAN_LITERAL("[storage]\ndriver='vfs'\ngraphroot='$WHERE/${WHERE}x$NOWHERE'\n"
			       "imagestore='/i'\n[storage.options]\n"
			       "additionalimagestores=['/a','/i']\n"));
	assert_string_equal("vfs|/somewhere//somewherex /i /a", stores_of(NULL));
	(void)setenv("STORAGE_DRIVER", "overlay", 1);
	assert_string_equal("overlay|/somewhere//somewherex /i /a", stores_of(NULL));
	(void)unsetenv("STORAGE_DRIVER");

	made_file(folder, "storage.conf", SPAN_LITERAL("[storage]\ngraphroot=7\n"));
	assert_non_null(strstr(stores_of(NULL), "storage.conf: line 2"));
	(void)unsetenv("CONTAINERS_STORAGE_CONF");
	made_remove(folder);
}

/* In a child of its own, as somebody who is not root. Returns what of the two is wrong. */
static int user_stores_are_wrong(const char *folder)
{
	char expected[256];
	const char *found;

	if (geteuid() == 0 && setresuid(1000, 1000, 1000) < 0)
		return 1;
	(void)setenv("XDG_CONFIG_HOME", made_path(folder, "config"), 1);
	(void)setenv("XDG_DATA_HOME", made_path(folder, "data"), 1);
	(void)snprintf(expected, sizeof(expected), "vfs|%s/data/containers/storage", folder);
	found = stores_of(NULL);
	if (strcmp(found, expected) != 0) {
		print_error("'%s', not '%s'\n", found, expected);
		return 2;
	}
	(void)setenv("XDG_CONFIG_HOME", made_path(folder, "other"), 1);
	(void)snprintf(expected, sizeof(expected), "vfs|/r/%u", geteuid());
	found = stores_of(NULL);
	if (strcmp(found, expected) != 0) {
		print_error("'%s', not '%s'\n", found, expected);
		return 3;
	}
	return 0;
}

static void a_user_has_a_store_of_his_own(void **state)
{
	char folder[FOLDER_SIZE];
	int status;
	pid_t child;

	(void)state;
	made_folder(folder);
	assert_int_equal(0, chmod(folder, 0755));
	made_file(folder, "config/containers/storage.conf",
		  SPAN_LITERAL("[storage]\ndriver='vfs'\n"));
	made_file(folder, "other/containers/storage.conf",
		  SPAN_LITERAL("[storage]\ndriver='vfs'\nrootless_storage_path='/r/$UID'\n"));
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(user_stores_are_wrong(folder));
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_int_equal(0, status);
	made_remove(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_says_where_images_are),
		cmocka_unit_test(what_is_malformed_is_refused),
		cmocka_unit_test(brackets_name_a_store),
		cmocka_unit_test(the_environment_chooses_the_file),
		cmocka_unit_test(a_user_has_a_store_of_his_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
