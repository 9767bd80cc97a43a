/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "store/lease.h"

struct fixture {
	char path[64];
	int fd;
	struct digest digest;
	char object[64 + DIGEST_PATH_SIZE_MAX];
};

static int make_object(void **state)
{
	static struct fixture fixture;
	char rest[DIGEST_PATH_SIZE_MAX];
	int fd;

	memset(&fixture, 0, sizeof(fixture));
	(void)snprintf(fixture.path, sizeof(fixture.path), "/tmp/lease-test-XXXXXX");
	if (!mkdtemp(fixture.path))
		return -1;
	fixture.fd = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fixture.digest.algorithm = DIGEST_SHA256;
	(void)snprintf(fixture.object, sizeof(fixture.object), "objects/%s",
		       digest_path(&fixture.digest, rest));
	if (mkdirat(fixture.fd, "objects", 0755) < 0 || mkdirat(fixture.fd, "objects/00", 0755) < 0)
		return -1;
	fd = openat(fixture.fd, fixture.object, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || fd_write(fd, "bytes", 5) < 0)
		return -1;
	fd_close(fd);
	*state = &fixture;
	return 0;
}

static int remove_object(void **state)
{
	struct fixture *fixture = *state;
	char command[96];

	fd_close(fixture->fd);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", fixture->path);
	return system(command);
}

static void sees_a_descriptor_and_a_mapping(void **state)
{
	struct fixture *fixture = *state;
	void *bytes;
	int fd;

	if (object_is_open(fixture->fd, &fixture->digest) == -EINVAL)
		need("leases", false, "the file system has none");
	assert_int_equal(0, object_is_open(fixture->fd, &fixture->digest));
	fd = openat(fixture->fd, fixture->object, O_RDONLY | O_CLOEXEC);
	assert_int_equal(1, object_is_open(fixture->fd, &fixture->digest));
	bytes = mmap(NULL, 5, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(MAP_FAILED, bytes);
	fd_close(fd);
	assert_int_equal(1, object_is_open(fixture->fd, &fixture->digest));
	assert_int_equal(0, munmap(bytes, 5));
	assert_int_equal(0, object_is_open(fixture->fd, &fixture->digest));
}

/* Many open it all the time while it is asked for: nobody fails, and no signal ends us. */
static void openers_are_not_disturbed(void **state)
{
	struct fixture *fixture = *state;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		for (int i = 0; i < 20000; i++) {
			int fd = openat(fixture->fd, fixture->object, O_RDONLY | O_CLOEXEC);

			if (fd < 0)
				_exit(1);
			fd_close(fd);
		}
		_exit(0);
	}
	assert_true(pid > 0);
	while (waitpid(pid, &status, WNOHANG) == 0)
		(void)object_is_open(fixture->fd, &fixture->digest);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void says_what_it_cannot_tell(void **state)
{
	struct fixture *fixture = *state;
	struct digest other = fixture->digest;

	other.bytes[0] = 1;
	assert_int_equal(-ENOENT, object_is_open(fixture->fd, &other));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_object, remove_object)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sees_a_descriptor_and_a_mapping),
		TEST(openers_are_not_disturbed),
		TEST(says_what_it_cannot_tell),
	};

	return cmocka_run_group_tests_name("store/lease", tests, NULL, NULL);
}
