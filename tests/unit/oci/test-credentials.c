/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "oci/credentials.h"

static char folder[64];

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(0, fclose(file));
	assert_int_equal(0, chmod(path, mode));
}

static void set(const char *variable, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(0, setenv(variable, path, 1));
}

/* A home where nothing is, and nothing else to look at. */
static int make_home(void **state)
{
	char path[4096];

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/lamina-auth-XXXXXX");
	assert_non_null(mkdtemp(folder));
	set("HOME", "home");
	set("XDG_RUNTIME_DIR", "run");
	assert_int_equal(0, unsetenv("XDG_CONFIG_HOME"));
	assert_int_equal(0, unsetenv("DOCKER_CONFIG"));
	assert_int_equal(0, unsetenv("REGISTRY_AUTH_FILE"));
	(void)snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", folder);
	assert_int_equal(0, setenv("PATH", path, 1));
	return 0;
}

static int remove_home(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command); /* NOLINT: words of our own */
}

/* The user name that is found, or NULL; what goes wrong fails the test. */
static char *user_of(const char *registry, const char *auth_file)
{
	struct credentials found = {0};
	struct diag why = {0};
	char *user;

	assert_ok(credentials_find(registry, "a/b", auth_file, &found, &why), &why);
	user = found.username;
	found.username = NULL;
	credentials_release(&found);
	return user;
}

static void assert_user(const char *expected, const char *registry, const char *auth_file)
{
	char *user = user_of(registry, auth_file);

	if (!expected)
		assert_null(user);
	else
		assert_string_equal(expected, user ? user : "nobody");
	free(user);
}

/* base64 of "NAME:pw" */
#define FILE_OF(auth) "{\"auths\": {\"h.io\": {\"auth\": \"" auth "\"}}}"

static void files_are_read_in_their_order(void **state)
{
	(void)state;
	assert_user(NULL, "h.io", NULL);
	write_file("home/.docker/config.json", FILE_OF("ZDpwdw=="), 0600);
	assert_user("d", "h.io", NULL);
	write_file("home/.config/containers/auth.json", FILE_OF("Yzpwdw=="), 0600);
	assert_user("c", "h.io", NULL);
	write_file("run/containers/auth.json", FILE_OF("cjpwdw=="), 0600);
	assert_user("r", "h.io", NULL);
	assert_user(NULL, "i.io", NULL);

	/* What one file does not know, the next may. */
	write_file("run/containers/auth.json", "{\"auths\": {}}", 0600);
	assert_user("c", "h.io", NULL);

	write_file("xdg/containers/auth.json", FILE_OF("eDpwdw=="), 0600);
	set("XDG_CONFIG_HOME", "xdg");
	assert_user("x", "h.io", NULL);
	write_file("xdg/containers/auth.json", "{}", 0600);
	write_file("docker/config.json", FILE_OF("ZTpwdw=="), 0600);
	set("DOCKER_CONFIG", "docker");
	assert_user("e", "h.io", NULL);
}

static void a_file_that_is_named_is_the_only_one(void **state)
{
	struct credentials found = {0};
	struct diag why = {0};
	char path[256];

	(void)state;
	write_file("run/containers/auth.json", FILE_OF("cjpwdw=="), 0600);
	write_file("mine", FILE_OF("bTpwdw=="), 0600);
	(void)snprintf(path, sizeof(path), "%s/mine", folder);
	assert_user("m", "h.io", path);
	assert_user(NULL, "i.io", path);
	set("REGISTRY_AUTH_FILE", "mine");
	assert_user("m", "h.io", NULL);
	set("REGISTRY_AUTH_FILE", "missing");
	assert_user(NULL, "h.io", NULL);
	assert_int_equal(-ENOENT, credentials_find("h.io", "a", "/nowhere/at/all", &found, &why));
	assert_non_null(strstr(why.text, "/nowhere/at/all"));
}

static void a_malformed_file_is_named(void **state)
{
	struct credentials found = {0};
	struct diag why = {0};

	(void)state;
	write_file("run/containers/auth.json", "{\"auths\": {\"h.io\": secret", 0600);
	assert_int_equal(-EUCLEAN, credentials_find("h.io", "a", NULL, &found, &why));
	assert_non_null(strstr(why.text, "run/containers/auth.json: line 1"));
	assert_null(strstr(why.text, "secret"));
}

static void a_helper_is_asked(void **state)
{
	struct credentials found = {0};
	struct diag why = {0};

	(void)state;
	write_file("run/containers/auth.json",
		   "{\"credHelpers\": {\"h.io\": \"ours\", \"t.io\": \"ours\", \"n.io\": \"ours\", "
		   "\"f.io\": \"ours\", \"g.io\": \"ours\", \"l.io\": \"ours\", \"m.io\": "
		   "\"missing\"}}",
		   0600);
	write_file("bin/docker-credential-ours",
		   "#!/bin/sh\n"
		   "[ \"$1\" = get ] || exit 3\n"
		   "read -r host\n"
		   "case $host in\n"
		   "h.io) echo '{\"ServerURL\":\"h.io\",\"Username\":\"u\",\"Secret\":\"s\"}' ;;\n"
		   "t.io) echo '{\"Username\":\"<token>\",\"Secret\":\"tok\"}' ;;\n"
		   "n.io) echo 'credentials not found in native keychain'; exit 1 ;;\n"
		   "f.io) echo 'the keychain is locked'; exit 1 ;;\n"
		   "g.io) echo garbage ;;\n"
		   "l.io) exec cat /dev/zero ;;\n"
		   "esac\n",
		   0700);
	assert_user("u", "h.io", NULL);
	assert_user(NULL, "n.io", NULL);
	assert_ok(credentials_find("t.io", "a", NULL, &found, &why), &why);
	assert_string_equal("tok", found.identity_token);
	assert_null(found.username);
	credentials_release(&found);
	assert_int_equal(-EIO, credentials_find("f.io", "a", NULL, &found, &why));
	assert_non_null(strstr(why.text, "docker-credential-ours: the keychain is locked"));
	assert_int_equal(-EUCLEAN, credentials_find("g.io", "a", NULL, &found, &why));
	assert_int_equal(-E2BIG, credentials_find("l.io", "a", NULL, &found, &why));
	assert_int_equal(-ENOENT, credentials_find("m.io", "a", NULL, &found, &why));
	assert_non_null(strstr(why.text, "docker-credential-missing"));
	assert_true(credentials_are_empty(&found));
}

static void the_store_is_asked_for_dockers_own_name(void **state)
{
	(void)state;
	write_file("run/containers/auth.json", "{\"credsStore\": \"ours\"}", 0600);
	write_file("bin/docker-credential-ours",
		   "#!/bin/sh\n"
		   "read -r host\n"
		   "[ \"$host\" = https://index.docker.io/v1/ ] || exit 1\n"
		   "echo '{\"Username\":\"hub\",\"Secret\":\"s\"}'\n",
		   0700);
	assert_user("hub", "docker.io", NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_home, remove_home)
	const struct CMUnitTest tests[] = {
		TEST(files_are_read_in_their_order),
		TEST(a_file_that_is_named_is_the_only_one),
		TEST(a_malformed_file_is_named),
		TEST(a_helper_is_asked),
		TEST(the_store_is_asked_for_dockers_own_name),
	};

	return cmocka_run_group_tests_name("oci/credentials", tests, NULL, NULL);
}
