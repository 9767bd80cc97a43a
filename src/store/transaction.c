/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * What a power loss may leave, step by step. L is "linked", S is "on disk after syncfs".
 *
 *   draft written             nothing: the file has no name (where there is no O_TMPFILE, a
 *                             .tmp-object-* file that a sweep removes)
 *   object linked, no S yet   nothing, or the whole object, or a name with less data than it should
 * have: ext4, XFS and btrfs write the link with the next journal commit, and the data of a file
 * that was only appended to when they allocate it S returned                all objects of the
 * transaction, complete image link made           (images.c) only ever after S: it never names an
 * incomplete object transaction_commit or     all of it image_publish returned
 *
 * So after a crash an object without S may stand there short. Nothing refers to it, but the next
 * writer of the same content must not take it for good. The rule: *an object is trusted when it is
 * a regular file of the right size* (and, in a secure store, has fs-verity, which the kernel turns
 * on only after the data is on disk); else it is replaced by rename. This is enough because those
 * file systems move the size on disk forward only with or after the data before it (ext4
 * data=ordered, the default; XFS and btrfs at the end of the write), and because a draft is only
 * appended to: never made longer by ftruncate or fallocate, which would give it its size before its
 * data. ext4 mounted with data=writeback gives this up, for every program.
 *
 * An object that is there and trusted may still wait for the S of the process that wrote it. Ours
 * writes the whole file system, theirs included: hence a transaction that only found objects syncs
 * as well.
 *
 * Why one syncfs: 85,000 objects cost one journal commit and writes in disk order instead of 85,000
 * flushes. It may write what others left dirty on the same file system; that is the price.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/trace.h"
#include "store/store_private.h"
#include "store/transaction_private.h"
#include "verity/hasher.h"

/* Sources that could not be cloned before smaller files are no longer tried: another file system.
 */
#define REFLINK_FAILURES_MAX 4

/*
 * On XFS and btrfs a clone of 16 KiB, with the read of it for the digest (a clone has a page cache
 * of its own), measured no slower than a copy, and its syncfs a tenth. Smaller ones would share
 * three blocks at most and try in vain on more files where there is no reflink.
 */
#define REFLINK_SIZE_MIN (16 * 1024)

enum mode_state {
	MODE_UNKNOWN,
	MODE_RIGHT, /* new files are 0644 as they come */
	MODE_CHANGE /* umask or a default ACL takes bits away */
};

struct transaction {
	struct store *store; /* borrowed */
	/*
	 * owned; of our own, because syncfs reports an error of writing back to each open file
	 * description once (Linux 5.8): another transaction of this store must not take ours
	 */
	int sync_fd;
	_Atomic enum mode_state mode_state;
	_Atomic unsigned int reflink_failures;
	_Atomic bool reflink_works;

	pthread_mutex_t lock;
	/* guarded by lock: */
	struct scratch *scratch; /* owned; those that nobody uses */
	struct object_stats stats;
};

int transaction_begin(struct store *store, struct transaction **ret, struct diag *why)
{
	struct transaction *transaction;

	if (!store->is_writable)
		return diag_set(why, -EROFS,
				"the repository has a feature that this program does not know and "
				"that forbids writing");
	transaction = calloc(1, sizeof(*transaction));
	if (!transaction)
		return -ENOMEM;
	transaction->store = store;
	transaction->sync_fd = openat(store->objects_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (transaction->sync_fd < 0) {
		int err = -errno;

		free(transaction);
		return diag_errno(why, err, "cannot open objects/");
	}
	(void)pthread_mutex_init(&transaction->lock, NULL);
	*ret = transaction;
	return 0;
}

static void scratch_free(struct scratch *scratch)
{
	if (scratch)
		verity_hasher_free(scratch->hasher);
	free(scratch);
}

void transaction_abort(struct transaction *transaction)
{
	int saved = errno;

	if (!transaction)
		return;
	while (transaction->scratch) {
		struct scratch *scratch = transaction->scratch;

		transaction->scratch = scratch->next;
		scratch_free(scratch);
	}
	(void)pthread_mutex_destroy(&transaction->lock);
	fd_close(transaction->sync_fd);
	free(transaction);
	errno = saved;
}

void transaction_abortp(struct transaction **transaction)
{
	transaction_abort(*transaction);
	*transaction = NULL;
}

int transaction_sync(struct transaction *transaction, struct diag *why)
{
	struct object_stats stats = transaction_stats(transaction);
	bool has_objects = stats.added_count || stats.present_count;

	if (has_objects && syncfs(transaction->sync_fd) < 0)
		return diag_errno(why, -errno, "cannot write the objects to disk");
	return 0;
}

int transaction_commit(struct transaction *transaction, struct diag *why)
{
	struct object_stats stats = transaction_stats(transaction);
	int r = transaction_sync(transaction, why);

	TRACE("store", "commit: %llu objects added, %llu bytes, %llu found",
	      (unsigned long long)stats.added_count, (unsigned long long)stats.added_bytes,
	      (unsigned long long)stats.present_count);
	transaction_abort(transaction);
	return r;
}

struct object_stats transaction_stats(struct transaction *transaction)
{
	struct object_stats stats;

	(void)pthread_mutex_lock(&transaction->lock);
	stats = transaction->stats;
	(void)pthread_mutex_unlock(&transaction->lock);
	return stats;
}

struct store *transaction_store(struct transaction *transaction)
{
	return transaction->store;
}

struct scratch *scratch_take(struct transaction *transaction)
{
	struct scratch *scratch;

	(void)pthread_mutex_lock(&transaction->lock);
	scratch = transaction->scratch;
	if (scratch)
		transaction->scratch = scratch->next;
	(void)pthread_mutex_unlock(&transaction->lock);
	if (scratch)
		return scratch;
	/* The bytes cost memory only once they are used. */
	scratch = aligned_alloc(DIRECT_ALIGN, sizeof(*scratch));
	if (scratch)
		scratch->hasher = NULL;
	return scratch;
}

struct scratch *scratch_take_hasher(struct transaction *transaction, struct diag *why)
{
	struct scratch *scratch = scratch_take(transaction);

	if (scratch && !scratch->hasher &&
	    verity_hasher_new(transaction->store->config.algorithm, &scratch->hasher, why) < 0) {
		scratch_give(transaction, scratch);
		return NULL;
	}
	return scratch;
}

void scratch_give(struct transaction *transaction, struct scratch *scratch)
{
	if (!scratch)
		return;
	(void)pthread_mutex_lock(&transaction->lock);
	scratch->next = transaction->scratch;
	transaction->scratch = scratch;
	(void)pthread_mutex_unlock(&transaction->lock);
}

bool transaction_may_reflink(struct transaction *transaction, uint64_t size_bytes)
{
	if (size_bytes > WHOLE_SIZE_MAX)
		return true; /* one more call that fails does not show here */
	return size_bytes >= REFLINK_SIZE_MIN &&
	       (atomic_load_explicit(&transaction->reflink_works, memory_order_relaxed) ||
		atomic_load_explicit(&transaction->reflink_failures, memory_order_relaxed) <
			REFLINK_FAILURES_MAX);
}

void transaction_reflinked(struct transaction *transaction, bool it_worked)
{
	if (it_worked)
		atomic_store_explicit(&transaction->reflink_works, true, memory_order_relaxed);
	else
		(void)atomic_fetch_add_explicit(&transaction->reflink_failures, 1,
						memory_order_relaxed);
}

/*
 * The modes in the format are reduced by the umask. Objects are not, nor are the directories on the
 * way to them: overlayfs opens objects with the credentials of whoever mounted, which in a user
 * namespace is container root, another user than the one who imported. An umask of 077 would make a
 * repository that only its writer can mount. Nobody gets to see more for that: the repository
 * directory itself is 0700.
 *
 * Asking costs a call an object, so the first draft of a transaction answers for all.
 */
static int mode_settle(struct transaction *transaction, int fd, struct diag *why)
{
	enum mode_state state =
		atomic_load_explicit(&transaction->mode_state, memory_order_relaxed);
	struct stat stat;

	if (state == MODE_UNKNOWN) {
		if (fstat(fd, &stat) < 0)
			return diag_errno(why, -errno, "cannot stat a new object");
		state = (stat.st_mode & 07777) == 0644 ? MODE_RIGHT : MODE_CHANGE;
		atomic_store_explicit(&transaction->mode_state, state, memory_order_relaxed);
	}
	if (state == MODE_CHANGE && fchmod(fd, 0644) < 0)
		return diag_errno(why, -errno, "cannot make a new object readable");
	return 0;
}

int object_draft_open(struct transaction *transaction, struct draft *ret, struct diag *why)
{
	CLEAN(draft_release) struct draft draft = DRAFT_NONE;
	int r;

	/*
	 * In objects/ rather than objects/XX: ext4 puts inodes and data near their directory, and
	 * those of one import are then side by side instead of in 256 places.
	 */
	r = draft_open(transaction->store->objects_fd, &draft, why);
	if (r < 0)
		return r;
	r = mode_settle(transaction, draft.fd, why);
	if (r < 0)
		return r;
	*ret = draft;
	draft = DRAFT_NONE;
	return 0;
}

bool transaction_has(struct transaction *transaction, const struct digest *name,
		     uint64_t size_bytes)
{
	if (!object_is_trusted(transaction->store, name, size_bytes))
		return false;
	(void)pthread_mutex_lock(&transaction->lock);
	transaction->stats.present_count++;
	(void)pthread_mutex_unlock(&transaction->lock);
	return true;
}

static void count_added(struct transaction *transaction, uint64_t size_bytes, bool is_clone)
{
	(void)pthread_mutex_lock(&transaction->lock);
	transaction->stats.added_count++;
	transaction->stats.added_bytes += size_bytes;
	transaction->stats.reflinked_count += is_clone;
	(void)pthread_mutex_unlock(&transaction->lock);
}

/* objects/XX. That it is there already is fine. */
static int make_prefix(struct transaction *transaction, const char *path, struct diag *why)
{
	char prefix[3] = {path[0], path[1], '\0'};
	int objects_fd = transaction->store->objects_fd;

	if (mkdirat(objects_fd, prefix, 0755) < 0)
		return errno == EEXIST ? 0
				       : diag_errno(why, -errno, "cannot make objects/%s", prefix);
	if (atomic_load_explicit(&transaction->mode_state, memory_order_relaxed) == MODE_CHANGE &&
	    fchmodat(objects_fd, prefix, 0755, 0) < 0)
		return diag_errno(why, -errno, "cannot make objects/%s readable", prefix);
	return 0;
}

int transaction_link(struct transaction *transaction, struct draft *draft,
		     const struct digest *name, uint64_t size_bytes, struct diag *why)
{
	const struct store *store = transaction->store;
	char path[DIGEST_PATH_SIZE_MAX];
	int r;

	if (store->config.is_secure) {
		r = draft_seal(draft, store->config.algorithm, name, why);
		if (r < 0)
			return r;
	}
	digest_path(name, path);
	r = draft_link(draft, store->objects_fd, path, why);
	if (r == -ENOENT) {
		r = make_prefix(transaction, path, why);
		if (r < 0)
			return r;
		r = draft_link(draft, store->objects_fd, path, why);
	}
	if (r == -EEXIST) {
		if (transaction_has(transaction, name, size_bytes))
			return 0; /* somebody else was faster */
		TRACE("store", "replace %s: not %llu bytes", path, (unsigned long long)size_bytes);
		r = draft_replace(draft, store->objects_fd, path, why);
	}
	if (r == -ENOENT)
		return diag_set(why, r, "cannot link object %s: /proc is not there", path);
	if (r < 0)
		return r;
	count_added(transaction, size_bytes, draft->is_clone);
	return 0;
}

int transaction_add(struct transaction *transaction, const struct digest *name, struct span bytes,
		    struct diag *why)
{
	CLEAN(draft_release) struct draft draft = DRAFT_NONE;
	int r;

	if (transaction_has(transaction, name, bytes.size))
		return 0;
	r = object_draft_open(transaction, &draft, why);
	if (r < 0)
		return r;
	r = fd_write(draft.fd, bytes.data, bytes.size);
	if (r < 0)
		return diag_errno(why, r, "cannot write an object");
	return transaction_link(transaction, &draft, name, bytes.size, why);
}
