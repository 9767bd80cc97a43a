/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The digest of a file that is there already. Small files take one read into the hasher's buffer.
 * Large ones are cut into subtrees that several threads hash: the leaves of a Merkle tree are
 * independent.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/workers.h"
#include "verity/hasher.h"
#include "verity/hasher_private.h"

/* Where starting threads is paid back: below this one thread needs less than 50 ms. */
#define PARALLEL_SIZE_MIN (64ULL * 1024 * 1024)

/* Subtrees between two collections of results: 8 GiB of data, 2 MiB of hashes. */
#define WINDOW_COUNT 1024

/* Read and hash [offset, end), or up to the end of the file. *ret_size is the count of bytes. */
static int hash_range(struct verity_hasher *hasher, int fd, uint64_t offset, uint64_t end,
		      uint64_t *ret_size, struct diag *why)
{
	uint8_t *buffer = verity_hasher_buffer(hasher);
	uint64_t start = offset;

	if (!buffer)
		return -ENOMEM;
	while (offset < end) {
		size_t want = VERITY_BUFFER_SIZE;
		ssize_t got;
		int r;

		if (want > end - offset)
			want = (size_t)(end - offset);
		got = pread(fd, buffer, want, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return diag_errno(why, -errno, "cannot read at byte %llu",
					  (unsigned long long)offset);
		if (got == 0)
			break;
		r = verity_update(hasher, span_of(buffer, (size_t)got));
		if (r < 0)
			return diag_set(why, r, "libcrypto cannot hash");
		offset += (uint64_t)got;
	}
	*ret_size = offset - start;
	return 0;
}

struct subtree {
	uint64_t offset;
	size_t size; /* of hashes, bytes */
	uint8_t hashes[VERITY_SUBTREE_HASHES_MAX];
};

/* Read-only while the threads run; each job writes its own subtree. */
struct parallel_hash {
	int fd;
	enum digest_algorithm algorithm;
	struct subtree *subtrees; /* owned, WINDOW_COUNT */
};

static int subtree_hash(void *context, void *job, struct diag *why)
{
	struct parallel_hash *parallel = context;
	struct subtree *subtree = job;
	CLEAN(verity_hasher_freep) struct verity_hasher *hasher = NULL;
	uint64_t size;
	int r;

	r = verity_hasher_new(parallel->algorithm, &hasher, why);
	if (r < 0)
		return r;
	r = hash_range(hasher, parallel->fd, subtree->offset, subtree->offset + VERITY_SUBTREE_SIZE,
		       &size, why);
	if (r < 0)
		return r;
	if (size != VERITY_SUBTREE_SIZE)
		return diag_set(why, -ESTALE, "the file shrank while it was read");
	subtree->size = verity_subtree_take(hasher, subtree->hashes);
	return 0;
}

/* Hash count subtrees from offset on, with threads, into hasher. */
static int window_hash(struct parallel_hash *parallel, struct verity_hasher *hasher,
		       uint64_t offset, size_t count, struct diag *why)
{
	struct workers *workers;
	int r, failed;

	r = workers_new(0, subtree_hash, NULL, parallel, &workers);
	if (r < 0)
		return diag_errno(why, r, "cannot start threads");
	for (size_t i = 0; i < count && r == 0; i++) {
		parallel->subtrees[i].offset = offset + i * VERITY_SUBTREE_SIZE;
		r = workers_add(workers, &parallel->subtrees[i]);
	}
	failed = workers_finish(workers, why);
	if (failed < 0 || r < 0)
		return failed < 0 ? failed : r;
	for (size_t i = 0; i < count; i++) {
		struct subtree *subtree = &parallel->subtrees[i];

		r = verity_subtree_push(hasher, VERITY_SUBTREE_SIZE,
					span_of(subtree->hashes, subtree->size));
		if (r < 0)
			return diag_set(why, r, "libcrypto cannot hash");
	}
	return 0;
}

/* All whole subtrees of a file of size bytes. *ret_size is where the rest begins. */
static int hash_parallel(struct verity_hasher *hasher, int fd, uint64_t size, uint64_t *ret_size,
			 struct diag *why)
{
	CLEAN(memory_freep) struct subtree *subtrees = NULL;
	struct parallel_hash parallel = {fd, verity_hasher_algorithm(hasher), NULL};
	uint64_t left = size / VERITY_SUBTREE_SIZE, offset = 0;

	subtrees = malloc((left < WINDOW_COUNT ? left : WINDOW_COUNT) * sizeof(*subtrees));
	if (!subtrees)
		return -ENOMEM;
	parallel.subtrees = subtrees;
	while (left) {
		size_t count = left < WINDOW_COUNT ? (size_t)left : WINDOW_COUNT;
		int r = window_hash(&parallel, hasher, offset, count, why);

		if (r < 0)
			return r;
		offset += count * VERITY_SUBTREE_SIZE;
		left -= count;
	}
	*ret_size = offset;
	return 0;
}

static int hash_file(struct verity_hasher *hasher, int fd, uint64_t *ret_size, struct diag *why)
{
	uint64_t done = 0, more = 0;
	struct stat stat;
	int r;

	/* Most files are one buffer or less: only one that fills it is worth a stat. */
	r = hash_range(hasher, fd, 0, VERITY_BUFFER_SIZE, &done, why);
	if (r < 0)
		return r;
	if (done == VERITY_BUFFER_SIZE) {
		if (fstat(fd, &stat) < 0)
			return diag_errno(why, -errno, "cannot stat");
		if (S_ISREG(stat.st_mode) && (uint64_t)stat.st_size >= PARALLEL_SIZE_MIN &&
		    cpu_count() > 1) {
			verity_reset(hasher);
			r = hash_parallel(hasher, fd, (uint64_t)stat.st_size, &done, why);
			if (r < 0)
				return r;
		} else {
			(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
		}
		r = hash_range(hasher, fd, done, INT64_MAX, &more, why);
		if (r < 0)
			return r;
	}
	*ret_size = done + more;
	return 0;
}

int verity_hash_fd(struct verity_hasher *hasher, int fd, struct digest *ret, uint64_t *ret_size,
		   struct diag *why)
{
	uint64_t size = 0;
	int r;

	r = hash_file(hasher, fd, &size, why);
	if (r < 0) {
		verity_reset(hasher);
		return r;
	}
	r = verity_finish(hasher, ret);
	if (r < 0)
		return diag_set(why, r, "libcrypto cannot hash");
	*ret_size = size;
	return 0;
}
