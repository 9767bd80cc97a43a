/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "ops/container_dir.h"

static char base[] = "/tmp/container-dir-XXXXXX";
static char path[4096];

static const char *below(const char *rest)
{
	(void)snprintf(path, sizeof(path), "%s/%s", base, rest);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	memcpy(strrchr(base, '-') + 1, "XXXXXX", 6);
	return mkdtemp(base) && setenv("LAMINA_RUNTIME_DIR", base, 1) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	(void)rmdir(below("lamina/containers"));
	(void)rmdir(below("lamina"));
	return rmdir(base);
}

static void a_folder_is_there_until_it_is_removed(void **state)
{
	struct container_dir dir;
	struct diag why = {0};
	struct stat stat;

	(void)state;
	assert_ok(container_dir_make("one", &dir, &why), &why);
	assert_string_equal(below("lamina/containers/one"), dir.path);
	assert_int_equal(0, mkdirat(dir.fd, "rootfs", 0755));
	assert_int_equal(0, symlinkat("/", dir.fd, "link"));
	container_dir_remove(&dir);
	assert_int_equal(-1, lstat(below("lamina/containers/one"), &stat));
	assert_int_equal(ENOENT, errno);
}

static void a_name_is_made_up_where_there_is_none(void **state)
{
	struct container_dir a, b;
	struct diag why = {0};

	(void)state;
	assert_ok(container_dir_make(NULL, &a, &why), &why);
	assert_ok(container_dir_make(NULL, &b, &why), &why);
	assert_int_equal(12, strlen(a.name));
	assert_string_not_equal(a.name, b.name);
	container_dir_remove(&a);
	container_dir_remove(&b);
}

static void a_name_is_taken_while_somebody_has_it(void **state)
{
	struct container_dir first, second = {.fd = 77};
	struct diag why = {0};
	int fd;

	(void)state;
	assert_ok(container_dir_make("one", &first, &why), &why);
	assert_int_equal(-EEXIST, container_dir_make("one", &second, &why));
	assert_int_equal(77, second.fd);
	fd = openat(first.fd, "left", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	container_dir_release(&first); /* as a kill leaves it */
	why = (struct diag){0};
	assert_ok(container_dir_make("one", &second, &why), &why);
	assert_int_equal(-1, faccessat(second.fd, "left", F_OK, 0));
	container_dir_remove(&second);
}

/* The time of a folder's last change is set back by that much. */
static void make_older(const char *name, time_t seconds)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
					  {.tv_sec = time(NULL) - seconds}};

	assert_int_equal(0, utimensat(AT_FDCWD, below(name), times, 0));
}

static void what_killed_ones_left_is_removed(void **state)
{
	struct container_dir killed, new, living, other;
	struct diag why = {0};

	(void)state;
	assert_ok(container_dir_make("killed", &killed, &why), &why);
	assert_int_equal(0, mkdirat(killed.fd, "rootfs", 0755));
	assert_ok(container_dir_make("living", &living, &why), &why);
	assert_ok(container_dir_make("new", &new, &why), &why);
	make_older("lamina/containers/killed", 100);
	make_older("lamina/containers/living", 100);
	container_dir_release(&killed);
	container_dir_release(&new);
	assert_ok(container_dir_make("other", &other, &why), &why);
	assert_int_equal(-1, access(below("lamina/containers/killed"), F_OK));
	assert_int_equal(0, access(below("lamina/containers/living"), F_OK));
	assert_int_equal(0, access(below("lamina/containers/new"), F_OK)); /* for a minute */
	container_dir_remove(&other);
	container_dir_remove(&living);
	assert_int_equal(0, rmdir(below("lamina/containers/new")));
}

/* Take the name, leave something in its folder, give it up again, removed or not. */
static bool take_and_leave(unsigned int round)
{
	struct container_dir dir;
	struct stat ours, found;
	bool is_alone;
	int r = container_dir_make("one", &dir, NULL);

	if (r == -EEXIST)
		return true;
	if (r < 0)
		return false;
	is_alone = mkdirat(dir.fd, "rootfs", 0700) == 0 && fstat(dir.fd, &ours) == 0;
	(void)sched_yield();
	is_alone = is_alone && lstat(dir.path, &found) == 0 && ours.st_ino == found.st_ino &&
		   faccessat(dir.fd, "rootfs", F_OK, 0) == 0;
	if (round % 2)
		container_dir_remove(&dir);
	else
		container_dir_release(&dir);
	return is_alone;
}

/* One that comes late has the lock of a folder that is no more, and removes that of another. */
static void of_many_who_want_a_name_one_has_it(void **state)
{
	enum { children = 4, rounds = 3000 };
	struct container_dir last;
	struct diag why = {0};

	(void)state;
	assert_int_equal(0, mkdir(below("lamina"), 0700));
	assert_int_equal(0, mkdir(below("lamina/containers"), 0700));
	for (unsigned int i = 0; i < children; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		for (unsigned int round = 0; pid == 0 && round < rounds; round++) {
			if (!take_and_leave(round + i))
				_exit(1);
		}
		if (pid == 0)
			_exit(0);
	}
	for (unsigned int i = 0; i < children; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(0, status);
	}
	assert_ok(container_dir_make("one", &last, &why), &why);
	container_dir_remove(&last);
}

static void a_name_leads_nowhere_else(void **state)
{
	static const char *const bad[] = {"", ".", "..", "../x", "a/b", "-a", ".a", "a b", "\xff"};
	struct container_dir dir;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct diag why = {0};

		assert_int_equal(-EINVAL, container_dir_make(bad[i], &dir, &why));
		assert_int_not_equal(0, why.text[0]);
	}
}

/* Its owner could put a link to anything in the place of what we are going to remove. */
static void a_folder_of_somebody_else_is_not_used(void **state)
{
	struct container_dir dir;
	struct diag why = {0};

	(void)state;
	need("root", geteuid() == 0, "only root can give a folder away");
	assert_int_equal(0, mkdir(below("lamina"), 0755));
	assert_int_equal(0, chown(below("lamina"), 1000, 1000));
	assert_int_equal(-EPERM, container_dir_make("one", &dir, &why));
	assert_non_null(strstr(why.text, "belongs to somebody else"));
	assert_int_equal(0, chown(below("lamina"), 0, 0));
	assert_int_equal(0, mkdir(below("lamina/containers"), 0755));
	assert_int_equal(0, chown(below("lamina/containers"), 1000, 1000));
	assert_int_equal(-EPERM, container_dir_make("one", &dir, &why));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_folder_is_there_until_it_is_removed),
		TEST(a_name_is_made_up_where_there_is_none),
		TEST(a_name_is_taken_while_somebody_has_it),
		TEST(what_killed_ones_left_is_removed),
		TEST(of_many_who_want_a_name_one_has_it),
		TEST(a_name_leads_nowhere_else),
		TEST(a_folder_of_somebody_else_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
