/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/verified.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "fuse/reply.h"
#include "verity/hasher.h"
#include "verity/kernel.h"

/* A power of two. 4 MiB when all are used; pages of those that are not are never touched. */
#define PLACE_COUNT (1u << 15)

/*
 * The clock of change times ticks every 1 to 10 ms: a file that was changed so recently could be
 * changed once more within the same tick. It is not remembered yet.
 */
#define SETTLED_SECONDS 2

struct file_identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct place {
	bool is_busy;  /* somebody hashes a file that belongs here */
	bool is_known; /* the rest is filled in */
	struct file_identity file;
	struct digest digest; /* what its content has */
};

struct verified {
	pthread_mutex_t lock; /* a leaf; not held while files are read */
	pthread_cond_t freed; /* a place is not busy any more */
	/* guarded by lock: */
	struct place places[PLACE_COUNT];
};

int verified_new(struct verified **ret, struct diag *why)
{
	CLEAN(verity_hasher_freep) struct verity_hasher *hasher = NULL;
	struct verified *verified;
	int r;

	r = verity_hasher_new(DIGEST_SHA256, &hasher, why);
	if (r < 0)
		return r;
	verified = calloc(1, sizeof(*verified));
	if (!verified)
		return -ENOMEM;
	(void)pthread_mutex_init(&verified->lock, NULL);
	(void)pthread_cond_init(&verified->freed, NULL);
	*ret = verified;
	return 0;
}

void verified_free(struct verified *verified)
{
	if (!verified)
		return;
	(void)pthread_cond_destroy(&verified->freed);
	(void)pthread_mutex_destroy(&verified->lock);
	free(verified);
}

static struct file_identity identity_of(const struct stat *st)
{
	return (struct file_identity){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.changed = st->st_ctim,
	};
}

static bool identity_equal(const struct file_identity *a, const struct file_identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Two files of one place take turns: each hash costs more than anything that would avoid it. */
static struct place *place_of(struct verified *verified, const struct file_identity *file)
{
	uint64_t mixed = ((uint64_t)file->inode ^ (uint64_t)file->device << 40) *
			 0x9e3779b97f4a7c15ull; /* 2^64 / golden ratio */

	return &verified->places[mixed >> 32 & (PLACE_COUNT - 1)];
}

static bool is_settled(const struct file_identity *file)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) == 0 &&
	       now.tv_sec - file->changed.tv_sec >= SETTLED_SECONDS;
}

static bool place_knows(const struct place *place, const struct file_identity *file,
			enum digest_algorithm algorithm, struct digest *ret)
{
	if (!place->is_known || place->digest.algorithm != algorithm ||
	    !identity_equal(&place->file, file))
		return false;
	*ret = place->digest;
	return true;
}

static bool is_known(struct verified *verified, const struct place *place,
		     const struct file_identity *file, enum digest_algorithm algorithm,
		     struct digest *ret)
{
	bool known;

	(void)pthread_mutex_lock(&verified->lock);
	known = place_knows(place, file, algorithm, ret);
	(void)pthread_mutex_unlock(&verified->lock);
	return known;
}

/* Wait for the place. Whether the digest is known now; if not, it is ours until place_leave(). */
static bool place_enter(struct verified *verified, struct place *place,
			const struct file_identity *file, enum digest_algorithm algorithm,
			struct digest *ret)
{
	bool known;

	(void)pthread_mutex_lock(&verified->lock);
	while (place->is_busy)
		(void)pthread_cond_wait(&verified->freed, &verified->lock);
	known = place_knows(place, file, algorithm, ret);
	place->is_busy = !known;
	(void)pthread_mutex_unlock(&verified->lock);
	return known;
}

/* digest: what was found out about file; NULL: nothing that can be kept. */
static void place_leave(struct verified *verified, struct place *place,
			const struct file_identity *file, const struct digest *digest)
{
	(void)pthread_mutex_lock(&verified->lock);
	place->is_busy = false;
	if (digest) {
		place->is_known = true;
		place->file = *file;
		place->digest = *digest;
	}
	(void)pthread_cond_broadcast(&verified->freed);
	(void)pthread_mutex_unlock(&verified->lock);
}

static int hash_unchanged(int fd, const struct file_identity *file, enum digest_algorithm algorithm,
			  struct digest *ret, struct diag *why)
{
	CLEAN(verity_hasher_freep) struct verity_hasher *hasher = NULL;
	struct file_identity now;
	uint64_t size;
	struct stat st;
	int r;

	r = verity_hasher_new(algorithm, &hasher, why);
	if (r < 0)
		return r;
	r = verity_hash_fd(hasher, fd, ret, &size, why);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "cannot stat");
	now = identity_of(&st);
	if (!identity_equal(&now, file) || (uint64_t)file->size != size)
		return diag_set(why, -ESTALE, "it changed while it was hashed");
	return 0;
}

static int digest_by_hashing(struct verified *verified, int fd, enum digest_algorithm algorithm,
			     struct fuse_reply *reply, struct digest *ret, struct diag *why)
{
	struct file_identity file;
	struct place *place;
	struct stat st;
	bool is_kept;
	int r;

	if (fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "cannot stat");
	/* As mapping_open() has it for images: who is root can change us as well. */
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022))
		return diag_set(why, -EPERM, "it has no fs-verity, and others may change it");
	file = identity_of(&st);
	place = place_of(verified, &file);
	if (is_known(verified, place, &file, algorithm, ret))
		return 0;
	if (reply)
		reply_will_block(reply);
	if (place_enter(verified, place, &file, algorithm, ret))
		return 0;
	is_kept = is_settled(&file);
	r = hash_unchanged(fd, &file, algorithm, ret, why);
	place_leave(verified, place, &file, r == 0 && is_kept ? ret : NULL);
	return r;
}

int verified_check(struct verified *verified, int fd, const struct digest *expected,
		   struct fuse_reply *reply, struct diag *why)
{
	struct diag unguarded = {0};
	struct digest found;
	int r;

	r = verity_measure(fd, &found, &unguarded);
	if (r == -ENODATA || r == -EOPNOTSUPP)
		r = digest_by_hashing(verified, fd, (enum digest_algorithm)expected->algorithm,
				      reply, &found, why);
	else if (r < 0)
		return diag_set(why, r, "%s", diag_text(&unguarded, r));
	if (r < 0)
		return r;
	if (!digest_equal(&found, expected))
		return diag_set(why, -EBADMSG,
				"its content has not the digest that the image says");
	return 0;
}
