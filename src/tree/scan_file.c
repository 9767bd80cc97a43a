/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/workers.h"
#include "tree/path.h"
#include "tree/scan_private.h"

/* A content that a worker takes. The inode's digest and payload have their memory already. */
struct scan_job {
	int fd; /* owned */
	struct dentry *dentry;
	uint8_t *digest; /* of the tree; filled by the worker, read when all are done */
	char *payload;
	struct timespec mtime; /* when it was opened */
	struct timespec ctime;
	uint64_t size;
};

static void job_free(struct scan_job *job)
{
	if (job)
		fd_close(job->fd);
	free(job);
}

static void job_freep(struct scan_job **job)
{
	job_free(*job);
	*job = NULL;
}

void scan_job_drop(void *job)
{
	job_free(job);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Whether the file is still what it was when the scan looked at it. */
static int unchanged_check(int fd, uint64_t size, struct timespec mtime, struct timespec ctime,
			   struct diag *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return diag_errno(why, -errno, "stat");
	if ((uint64_t)st.st_size != size || !same_time(st.st_mtim, mtime) ||
	    !same_time(st.st_ctim, ctime))
		return diag_set(why, -ESTALE, "the file changed while it was read");
	return 0;
}

int scan_job_run(void *context, void *argument, struct diag *why)
{
	CLEAN(job_freep) struct scan_job *job = argument;
	struct scan *scan = context;
	struct digest digest;
	int r;

	r = scan->options->content(scan->options->context, job->fd, job->size, &digest, why);
	if (r == 0)
		r = unchanged_check(job->fd, job->size, job->mtime, job->ctime, why);
	if (r < 0)
		return dentry_wrap(job->dentry, why, r);
	memcpy(job->digest, digest.bytes, digest_size(scan->options->algorithm));
	(void)digest_path(&digest, job->payload);
	return 0;
}

/* Memory for what the worker will find: the tree's arena is this thread's alone. */
static int external_prepare(struct scan *scan, struct inode *inode, struct scan_job *job)
{
	static const char blank[DIGEST_PATH_SIZE_MAX];
	struct digest none = {.algorithm = (uint8_t)scan->options->algorithm};
	struct span path = span_of(blank, 2 * digest_span(&none).size + 1);
	int r = inode_external_set(scan->tree, inode, &path, &none);

	if (r < 0)
		return r;
	/* Just copied into the arena, so ours to write to. */
	job->payload = (char *)inode->external.payload;
	job->digest = (uint8_t *)inode->external.digest;
	return 0;
}

static int inline_take(struct scan *scan, int fd, const struct stat *st, struct inode *inode,
		       struct diag *why)
{
	uint8_t content[INLINE_SIZE_DEFAULT];
	ssize_t got = fd_pread(fd, content, sizeof(content), 0);
	int r;

	if (got < 0)
		return diag_errno(why, (int)got, "read");
	r = unchanged_check(fd, (uint64_t)got, st->st_mtim, st->st_ctim, why);
	return r < 0 ? r : inode_content_set(scan->tree, inode, span_of(content, (size_t)got));
}

int scan_file(struct scan *scan, int fd, const struct stat *st, struct dentry *dentry,
	      struct diag *why)
{
	CLEAN(job_freep) struct scan_job *job = NULL;
	CLEAN(fd_closep) int owned_fd = fd;
	struct inode *inode = dentry->inode;
	int r;

	inode->size = (uint64_t)st->st_size;
	if (inode->size <= INLINE_SIZE_DEFAULT)
		return inode->size ? inline_take(scan, fd, st, inode, why) : 0;
	if (inode->size > EXTERNAL_SIZE_MAX)
		return diag_set(why, -EFBIG, "file of %llu bytes", (unsigned long long)inode->size);
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	*job = (struct scan_job){
		.fd = fd_take(&owned_fd),
		.dentry = dentry,
		.mtime = st->st_mtim,
		.ctime = st->st_ctim,
		.size = inode->size,
	};
	r = external_prepare(scan, inode, job);
	/* An error here is that of an earlier job; workers_finish() has its message. */
	return r < 0 ? r : workers_add(scan->workers, TAKE(job));
}
