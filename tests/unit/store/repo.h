/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * repo.h - repositories and files for the tests of this room
 */
#ifndef LAMINA_TESTS_STORE_REPO_H
#define LAMINA_TESTS_STORE_REPO_H

#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/images.h"
#include "store/objects.h"
#include "store/store.h"
#include "store/streams.h"
#include "verity/hasher.h"

#define REPO_PATH_SIZE 256

/* A folder of its own for each test, below where (NULL: TMPDIR or /tmp). */
static inline void folder_make(const char *where, char path[REPO_PATH_SIZE])
{
	if (!where)
		where = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	(void)snprintf(path, REPO_PATH_SIZE, "%s/lamina-store-XXXXXX", where);
	assert_non_null(mkdtemp(path));
}

static inline int folder_remove_entry(const char *path, const struct stat *stat, int type,
				      struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void folder_remove(const char *path)
{
	(void)nftw(path, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* path/name */
static inline const char *below(const char *path, const char *name)
{
	static char joined[16][2 * REPO_PATH_SIZE]; /* by turns: at most 16 in use at a time */
	static unsigned int next;
	char text[sizeof(joined[0])];

	(void)snprintf(text, sizeof(text), "%s/%s", path, name);
	return memcpy(joined[next++ % 16], text, sizeof(text));
}

static inline struct store_config config_of(enum digest_algorithm algorithm)
{
	return (struct store_config){.algorithm = algorithm, .erofs_version = 1};
}

/* An insecure SHA-256 repository at path, opened. */
static inline struct store *repo_open(const char *path)
{
	struct store_config config = config_of(DIGEST_SHA256);
	struct store *store = NULL;
	struct diag why = {0};

	assert_ok(store_init(path, &config, &why), &why);
	assert_ok(store_open(path, &store, &why), &why);
	return store;
}

static inline struct transaction *begin(struct store *store)
{
	struct transaction *transaction = NULL;
	struct diag why = {0};

	assert_ok(transaction_begin(store, &transaction, &why), &why);
	return transaction;
}

static inline struct verity_hasher *hasher_of(enum digest_algorithm algorithm)
{
	struct verity_hasher *hasher = NULL;
	struct diag why = {0};

	assert_ok(verity_hasher_new(algorithm, &hasher, &why), &why);
	return hasher;
}

static inline struct digest digest_of_bytes(struct span bytes)
{
	struct verity_hasher *hasher = hasher_of(DIGEST_SHA256);
	struct digest digest;

	assert_int_equal(0, verity_update(hasher, bytes));
	assert_int_equal(0, verity_finish(hasher, &digest));
	verity_hasher_free(hasher);
	return digest;
}

/* Add bytes as an object. Returns 0 or -errno. */
static inline int add_bytes(struct transaction *transaction, struct span bytes, struct digest *ret,
			    struct diag *why)
{
	struct object_writer *writer;
	int r;

	r = object_writer_new(transaction, &writer, why);
	if (r < 0)
		return r;
	r = object_writer_write(writer, bytes, why);
	if (r < 0) {
		object_writer_abort(writer);
		return r;
	}
	return object_writer_finish(writer, ret, why);
}

static inline struct digest add_text(struct transaction *transaction, const char *text)
{
	struct diag why = {0};
	struct digest digest;

	assert_ok(add_bytes(transaction, span_of_string(text), &digest, &why), &why);
	return digest;
}

/* End the transaction, and give the stream id its name. */
static inline void stream_commit(struct store *store, struct transaction *transaction,
				 const char *name, const struct digest *id)
{
	struct diag why = {0};

	assert_ok(transaction_commit(transaction, &why), &why);
	assert_ok(stream_link(store, name, id, &why), &why);
}

/* size bytes that differ by seed. The caller frees. */
static inline uint8_t *bytes_of(size_t size, uint32_t seed)
{
	uint8_t *bytes = malloc(size ? size : 1);
	uint32_t random = seed * 2654435761u + 1;

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++) {
		random = random * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(random >> 24);
	}
	return bytes;
}

static inline void file_write(const char *path, struct span bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(0, fd_write(fd, bytes.data, bytes.size));
	(void)close(fd);
}

static inline unsigned int mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(0, lstat(path, &status));
	return status.st_mode & 07777;
}

/* Check one object against its name; count it. */
static inline int check_object(void *context, const struct digest *name, struct diag *why)
{
	const struct store *store = ((void **)context)[0];
	size_t *count = ((void **)context)[1];
	struct verity_hasher *hasher = hasher_of((enum digest_algorithm)name->algorithm);
	struct digest digest;
	uint64_t size;
	int fd, r;

	fd = object_open(store, name, why);
	if (fd < 0)
		return fd;
	r = verity_hash_fd(hasher, fd, &digest, &size, why);
	(void)close(fd);
	verity_hasher_free(hasher);
	if (r < 0)
		return r;
	if (!digest_equal(&digest, name))
		return diag_set(why, -EBADMSG, "an object of %llu bytes has the wrong name",
				(unsigned long long)size);
	++*count;
	return 0;
}

/* All objects have the digest that they are named by. Returns their count. */
static inline size_t assert_objects_whole(const struct store *store)
{
	size_t count = 0;
	const void *context[2] = {store, &count};
	struct diag why = {0};

	assert_ok(store_each_object(store, check_object, (void *)context, &why), &why);
	return count;
}

/* No .tmp-object-* and no .symlink-* in this directory. */
static inline void assert_nothing_temporary(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			fail_msg("%s was left in %s", entry->d_name, path);
	}
	(void)closedir(dir);
}

#endif
