/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A regular file becomes an object. Each byte is read once and the digest is that of the bytes in
 * the store, so a file that changes meanwhile cannot get a wrong name:
 *
 *   up to WHOLE_SIZE_MAX   read into memory, hash; write that memory unless the object is there
 *   reflink                clone, then hash the clone, which nobody else can change
 *   very large             copy_file_range, then hash the copy with several threads
 *   else                   read, hash and write chunk by chunk, past the page cache where that
 * works
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "store/direct_private.h"
#include "store/store_private.h"
#include "store/transaction_private.h"
#include "verity/hasher.h"

/*
 * From here on hashing the copy pays where there are CPUs for it, because several threads do it
 * (verity_hash_fd); with two, and below this size, one pass of read, hash and write measured the
 * same.
 */
#define COPY_RANGE_SIZE_MIN (64ULL * 1024 * 1024)

/* From here on the plain copy goes past the page cache (direct_private.h). */
#define DIRECT_SIZE_MIN WHOLE_SIZE_MAX
#define DIRECT_CHUNK_SIZE WHOLE_SIZE_MAX /* large pieces: each is a round trip to the disk */

/* Bytes of one read and write of the plain copy: they are hashed while they are in the cache. */
#define CHUNK_SIZE ((size_t)256 * 1024)

static int changed(uint64_t size_bytes, uint64_t found, struct diag *why)
{
	return diag_set(why, -ESTALE, "the file changed while it was read: %llu bytes, then %s%llu",
			(unsigned long long)size_bytes, found > size_bytes ? "at least " : "",
			(unsigned long long)found);
}

static int cannot_hash(int err, struct diag *why)
{
	return diag_set(why, err, "libcrypto cannot hash");
}

/* A file that fits into scratch: nothing is written when the object is there. */
static int add_whole(struct transaction *transaction, struct verity_hasher *hasher, int fd,
		     uint64_t size_bytes, struct scratch *scratch, struct digest *ret,
		     struct diag *why)
{
	size_t size = (size_t)size_bytes, done = 0;
	int r;

	/* Ask for one byte more: one read shows both the bytes and that there are no others. */
	while (done < size + 1) {
		ssize_t got = pread(fd, scratch->bytes + done, size + 1 - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return diag_errno(why, -errno, "cannot read");
		done += (size_t)got;
		if (got == 0 || done == size)
			break;
	}
	if (done != size)
		return changed(size_bytes, done, why);
	r = verity_update(hasher, span_of(scratch->bytes, size));
	if (r == 0)
		r = verity_finish(hasher, ret);
	if (r < 0)
		return cannot_hash(r, why);
	return transaction_add(transaction, ret, span_of(scratch->bytes, size), why);
}

/* Link a draft that has all bytes, once its own content was hashed. */
static int add_copied(struct transaction *transaction, struct verity_hasher *hasher,
		      struct draft *draft, uint64_t size_bytes, struct digest *ret,
		      struct diag *why)
{
	uint64_t size;
	int r;

	r = verity_hash_fd(hasher, draft->fd, ret, &size, why);
	if (r < 0)
		return r;
	if (size != size_bytes)
		return changed(size_bytes, size, why);
	if (transaction_has(transaction, ret, size_bytes))
		return 0;
	return transaction_link(transaction, draft, ret, size_bytes, why);
}

/* Returns 0 when all bytes are in the draft, 1 when the kernel cannot copy between these two files.
 */
static int copy_in_kernel(int fd, int draft_fd, uint64_t size_bytes, struct diag *why)
{
	off_t offset = 0;

	while ((uint64_t)offset <= size_bytes) {
		size_t want = (size_t)(size_bytes - (uint64_t)offset + 1);
		ssize_t got = copy_file_range(fd, &offset, draft_fd, NULL, want, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == ENOSPC || errno == EIO || errno == EDQUOT ||
				errno == EFBIG || errno == ENOMEM))
			return diag_errno(why, -errno, "cannot copy");
		if (got < 0 && offset == 0)
			return 1; /* EXDEV, EINVAL, EOPNOTSUPP, ENOSYS, EPERM: not these two */
		if (got < 0)
			return diag_errno(why, -errno, "cannot copy");
		if (got == 0)
			break;
	}
	/* Some file systems answer 0 at once instead of refusing (copy_file_range(2), "BUGS"). */
	if (offset == 0)
		return 1;
	return (uint64_t)offset == size_bytes ? 0 : changed(size_bytes, (uint64_t)offset, why);
}

/* Read, hash and write in one pass. */
static int copy_hashing(struct verity_hasher *hasher, int fd, int draft_fd, uint64_t size_bytes,
			uint8_t *buffer, struct diag *why)
{
	bool is_direct = size_bytes >= DIRECT_SIZE_MIN && direct_set(draft_fd, true) == 0;
	size_t chunk_size = is_direct ? DIRECT_CHUNK_SIZE : CHUNK_SIZE;
	uint64_t done = 0;
	int r;

	for (;;) {
		ssize_t got = fd_pread(fd, buffer, chunk_size, done);
		struct span chunk = span_of(buffer, got > 0 ? (size_t)got : 0);

		if (got < 0)
			return diag_errno(why, (int)got, "cannot read");
		if (got == 0)
			break;
		/* A file that grows must not fill the disk. */
		if (chunk.size > size_bytes - done)
			return changed(size_bytes, done + chunk.size, why);
		r = verity_update(hasher, chunk);
		if (r < 0)
			return cannot_hash(r, why);
		r = direct_write(draft_fd, chunk, done, &is_direct);
		if (r < 0)
			return diag_errno(why, r, "cannot write an object");
		done += chunk.size;
	}
	if (done != size_bytes)
		return changed(size_bytes, done, why);
	return is_direct ? direct_set(draft_fd, false) : 0;
}

static int add_by_copy(struct transaction *transaction, struct verity_hasher *hasher, int fd,
		       uint64_t size_bytes, struct draft *draft, struct scratch *scratch,
		       struct digest *ret, struct diag *why)
{
	struct digest unused;
	int r;

	if (size_bytes >= COPY_RANGE_SIZE_MIN) {
		r = copy_in_kernel(fd, draft->fd, size_bytes, why);
		if (r < 0)
			return r;
		if (r == 0)
			return add_copied(transaction, hasher, draft, size_bytes, ret, why);
	}
	r = copy_hashing(hasher, fd, draft->fd, size_bytes, scratch->bytes, why);
	if (r < 0) {
		(void)verity_finish(hasher, &unused); /* empties it for its next file */
		return r;
	}
	r = verity_finish(hasher, ret);
	if (r < 0)
		return cannot_hash(r, why);
	if (transaction_has(transaction, ret, size_bytes))
		return 0;
	return transaction_link(transaction, draft, ret, size_bytes, why);
}

static int add_large(struct transaction *transaction, struct verity_hasher *hasher, int fd,
		     uint64_t size_bytes, struct scratch *scratch, struct digest *ret,
		     struct diag *why)
{
	CLEAN(draft_release) struct draft draft = DRAFT_NONE;
	int r;

	r = object_draft_open(transaction, &draft, why);
	if (r < 0)
		return r;
	draft.is_clone = ioctl(draft.fd, FICLONE, fd) == 0;
	transaction_reflinked(transaction, draft.is_clone);
	if (draft.is_clone)
		return add_copied(transaction, hasher, &draft, size_bytes, ret, why);
	if (size_bytes <= WHOLE_SIZE_MAX)
		return add_whole(transaction, hasher, fd, size_bytes, scratch, ret, why);
	return add_by_copy(transaction, hasher, fd, size_bytes, &draft, scratch, ret, why);
}

int object_add_file(struct transaction *transaction, struct verity_hasher *hasher, int fd,
		    uint64_t size_bytes, struct digest *ret, struct diag *why)
{
	struct scratch *scratch = scratch_take(transaction);
	struct digest digest;
	int r;

	if (!scratch)
		return -ENOMEM;
	if (transaction_may_reflink(transaction, size_bytes))
		r = add_large(transaction, hasher, fd, size_bytes, scratch, &digest, why);
	else
		r = add_whole(transaction, hasher, fd, size_bytes, scratch, &digest, why);
	scratch_give(transaction, scratch);
	if (r == 0)
		*ret = digest;
	return r;
}
