/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "repo.h"

#include <sys/file.h>

static char folder[REPO_PATH_SIZE];

static int setup(void **state)
{
	(void)state;
	folder_make(NULL, folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

static void assert_open_fails(int err, const char *path, const char *reason)
{
	struct store *store = NULL;
	struct diag why = {0};

	assert_int_equal(err, store_open(path, &store, &why));
	assert_null(store);
	if (!strstr(why.text, reason))
		fail_msg("'%s' does not say '%s'", why.text, reason);
}

static void makes_the_layout_with_its_modes(void **state)
{
	const char *path = below(folder, "repo");
	mode_t old = umask(022);
	struct store *store = repo_open(path);

	(void)state;
	(void)umask(old);
	assert_int_equal(0700, mode_of(path));
	assert_int_equal(0644, mode_of(below(path, "meta.json")));
	assert_int_equal(0755, mode_of(below(path, "objects")));
	assert_int_equal(DIGEST_SHA256, store_config(store).algorithm);
	assert_false(store_config(store).is_secure);
	assert_int_equal(1, store_config(store).erofs_version);
	assert_true(store_is_writable(store));
	store_close(store);
}

static void a_strict_umask_leaves_objects_readable(void **state)
{
	const char *path = below(folder, "repo");
	mode_t old = umask(077);
	struct store *store = repo_open(path);
	struct transaction *transaction = begin(store);
	struct digest digest = add_text(transaction, "content");
	char place[DIGEST_PATH_SIZE_MAX], prefix[3] = "";
	struct diag why = {0};

	(void)state;
	assert_ok(transaction_commit(transaction, &why), &why);
	(void)umask(old);
	digest_path(&digest, place);
	memcpy(prefix, place, 2);
	assert_int_equal(0700, mode_of(path));
	assert_int_equal(0600, mode_of(below(path, "meta.json")));
	assert_int_equal(0755, mode_of(below(path, "objects")));
	assert_int_equal(0755, mode_of(below(below(path, "objects"), prefix)));
	assert_int_equal(0644, mode_of(below(below(path, "objects"), place)));
	store_close(store);
}

static void init_again_is_fine_when_it_asks_for_the_same(void **state)
{
	struct store_config config = config_of(DIGEST_SHA512);
	struct diag why = {0};

	(void)state;
	assert_ok(store_init(folder, &config, &why), &why);
	assert_ok(store_init(folder, &config, &why), &why);
	config.algorithm = DIGEST_SHA256;
	assert_int_equal(-EEXIST, store_init(folder, &config, &why));
	config = config_of(DIGEST_SHA512);
	config.erofs_version = 2;
	assert_int_equal(-EEXIST, store_init(folder, &config, &why));
	config.erofs_version = 3;
	assert_int_equal(-EINVAL, store_init(folder, &config, &why));
}

static void init_spares_a_folder_with_other_things(void **state)
{
	struct store_config config = config_of(DIGEST_SHA256);
	struct diag why = {0};

	(void)state;
	file_write(below(folder, "letter"), SPAN_LITERAL("dear"));
	assert_int_equal(-ENOTEMPTY, store_init(folder, &config, &why));
	assert_non_null(strstr(why.text, "letter"));
	assert_int_equal(-1, access(below(folder, "meta.json"), F_OK));
	assert_int_equal(0, unlink(below(folder, "letter")));
	assert_int_equal(0, mkdir(below(folder, "lost+found"), 0700));
	why = (struct diag){0};
	assert_ok(store_init(folder, &config, &why), &why);
}

static void secure_init_fails_cleanly_where_there_is_no_verity(void **state)
{
	struct store_config config = config_of(DIGEST_SHA256);
	struct diag why = {0};
	char memory[REPO_PATH_SIZE];
	int r;

	(void)state;
	need("tmpfs", access("/dev/shm", W_OK) == 0, "/dev/shm is not writable");
	folder_make("/dev/shm", memory);
	config.is_secure = true;
	r = store_init(below(memory, "repo"), &config, &why);
	assert_int_equal(-1, access(below(memory, "repo"), F_OK));
	folder_remove(memory);
	assert_int_equal(-EOPNOTSUPP, r);
	assert_non_null(strstr(why.text, "fs-verity is not supported here"));
}

static void refuses_what_is_no_repository(void **state)
{
	(void)state;
	assert_open_fails(-ENOENT, below(folder, "none"), "cannot open repository");
	assert_open_fails(-ENOENT, folder, "not a repository");
	file_write(below(folder, "meta.json"), SPAN_LITERAL("{"));
	assert_open_fails(-EUCLEAN, folder, "meta.json");
	assert_int_equal(0, unlink(below(folder, "meta.json")));
	assert_int_equal(0, mkfifo(below(folder, "meta.json"), 0600));
	assert_open_fails(-EUCLEAN, folder, "not a regular file");
	assert_int_equal(0, unlink(below(folder, "meta.json")));
	assert_int_equal(0, symlink("/etc/passwd", below(folder, "meta.json")));
	assert_open_fails(-ELOOP, folder, "meta.json");
}

static void refuses_a_huge_meta_file(void **state)
{
	uint8_t *bytes = bytes_of(70000, 1);

	(void)state;
	memset(bytes, ' ', 70000);
	file_write(below(folder, "meta.json"), span_of(bytes, 70000));
	free(bytes);
	assert_open_fails(-E2BIG, folder, "more than");
}

static void opens_a_fresh_repository_that_has_no_objects_yet(void **state)
{
	struct store *store = repo_open(folder);

	(void)state;
	store_close(store);
	assert_int_equal(0, rmdir(below(folder, "objects")));
	store = repo_open(folder);
	assert_int_equal(0, assert_objects_whole(store));
	store_close(store);
}

static void infers_the_algorithm_of_an_old_repository(void **state)
{
	static const enum digest_algorithm algorithms[] = {DIGEST_SHA256, DIGEST_SHA512};
	struct diag why = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct store_config config = config_of(algorithms[i]);
		const char *path = below(folder, i ? "b" : "a");
		struct transaction *transaction;
		struct store *store = NULL;

		assert_ok(store_init(path, &config, &why), &why);
		assert_ok(store_open(path, &store, &why), &why);
		transaction = begin(store);
		(void)add_text(transaction, "old");
		assert_ok(transaction_commit(transaction, &why), &why);
		store_close(store);
		assert_int_equal(0, unlink(below(path, "meta.json")));
		assert_ok(store_open(path, &store, &why), &why);
		assert_int_equal(algorithms[i], store_config(store).algorithm);
		assert_int_equal(1, store_config(store).erofs_version);
		assert_false(store_config(store).is_secure);
		store_close(store);
	}
	assert_int_equal(0, mkdir(below(folder, "c"), 0700));
	assert_int_equal(0, mkdir(below(folder, "c/objects"), 0700));
	assert_open_fails(-EUCLEAN, below(folder, "c"), "no object to tell the algorithm from");
}

static void unknown_read_only_feature_refuses_to_write(void **state)
{
	static const char text[] =
		"{\"version\":1,\"algorithm\":\"fsverity-sha256-12\",\"features\":"
		"{\"read-only-compatible\":[\"future\"]}}";
	struct transaction *transaction = NULL;
	struct store *store = NULL;
	struct diag why = {0};

	(void)state;
	file_write(below(folder, "meta.json"), span_of_string(text));
	assert_open_fails(-ENOENT, folder, "objects");
	assert_int_equal(0, mkdir(below(folder, "objects"), 0755));
	assert_ok(store_open(folder, &store, &why), &why);
	assert_false(store_is_writable(store));
	assert_int_equal(-EROFS, transaction_begin(store, &transaction, &why));
	assert_null(transaction);
	store_close(store);
}

static void holds_the_shared_lock_while_open(void **state)
{
	struct store *store = repo_open(folder), *second = repo_open(folder);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(-1, flock(fd, LOCK_EX | LOCK_NB));
	store_close(store);
	assert_int_equal(-1, flock(fd, LOCK_EX | LOCK_NB));
	store_close(second);
	assert_int_equal(0, flock(fd, LOCK_EX | LOCK_NB));
	(void)close(fd);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(makes_the_layout_with_its_modes),
		CASE(a_strict_umask_leaves_objects_readable),
		CASE(init_again_is_fine_when_it_asks_for_the_same),
		CASE(init_spares_a_folder_with_other_things),
		CASE(secure_init_fails_cleanly_where_there_is_no_verity),
		CASE(refuses_what_is_no_repository),
		CASE(refuses_a_huge_meta_file),
		CASE(opens_a_fresh_repository_that_has_no_objects_yet),
		CASE(infers_the_algorithm_of_an_old_repository),
		CASE(unknown_read_only_feature_refuses_to_write),
		CASE(holds_the_shared_lock_while_open),
	};

	return cmocka_run_group_tests_name("store/store", tests, NULL, NULL);
}
