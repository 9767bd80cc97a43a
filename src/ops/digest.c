/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/workers.h"
#include "verity/hasher.h"
#include "verity/kernel.h"

struct item {
	struct digest_result result;
	struct diag why;
	bool is_done;
};

struct batch {
	const struct digest_request *request;
	pthread_mutex_t lock;
	pthread_cond_t progress;
	struct item *items; /* owned; is_done is guarded by lock, the rest by who has the item */
};

static int item_open(const char *path, struct diag *why)
{
	struct stat st;
	/* O_NONBLOCK: a fifo must not hold us; it is refused below. */
	int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return diag_errno(why, -errno, "open");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fd_close(fd);
		return diag_set(why, -EINVAL, "not a regular file");
	}
	return fd;
}

static int item_hash(const struct digest_request *request, struct item *item)
{
	CLEAN(verity_hasher_freep) struct verity_hasher *hasher = NULL;
	CLEAN(fd_closep) int fd = item_open(item->result.path, &item->why);
	int r;

	if (fd < 0)
		return fd;
	if (request->measure && verity_measure(fd, &item->result.name, NULL) == 0)
		return 0;
	r = verity_hasher_new(request->algorithm, &hasher, &item->why);
	if (r < 0)
		return r;
	return verity_hash_fd(hasher, fd, &item->result.name, &item->result.size_bytes, &item->why);
}

static int batch_run(void *context, void *job, struct diag *why)
{
	struct batch *batch = context;
	struct item *item = job;

	(void)why; /* one bad file does not stop the others: errors stay with the item */
	item->result.error = item_hash(batch->request, item);
	(void)pthread_mutex_lock(&batch->lock);
	item->is_done = true;
	(void)pthread_cond_signal(&batch->progress);
	(void)pthread_mutex_unlock(&batch->lock);
	return 0;
}

static void item_wait(struct batch *batch, const struct item *item)
{
	(void)pthread_mutex_lock(&batch->lock);
	while (!item->is_done)
		(void)pthread_cond_wait(&batch->progress, &batch->lock);
	(void)pthread_mutex_unlock(&batch->lock);
}

/* Queue everything; visit what is done, in order, as the queue fills. */
static int batch_serve(struct batch *batch, struct workers *workers, char *const *paths,
		       size_t count, digest_visit *visit, void *context, struct diag *why)
{
	const size_t ahead_max = 1024; /* results kept for order's sake */
	size_t visited = 0;
	int first_error = 0;

	for (size_t queued = 0; visited < count;) {
		struct item *item;

		for (; queued < count && queued < visited + ahead_max; queued++) {
			batch->items[queued].result.path = paths[queued];
			(void)workers_add(workers, &batch->items[queued]);
		}
		item = &batch->items[visited++];
		item_wait(batch, item);
		visit(context, &item->result, &item->why);
		if (item->result.error && !first_error) {
			first_error = item->result.error;
			if (why)
				*why = item->why;
		}
	}
	return first_error;
}

int digest_files(const struct digest_request *request, char *const *paths, size_t count,
		 digest_visit *visit, void *context, struct diag *why)
{
	CLEAN(memory_freep) struct item *items = calloc(count ? count : 1, sizeof(*items));
	struct batch batch = {.request = request, .items = items};
	struct workers *workers;
	int r;

	if (!items)
		return -ENOMEM;
	(void)pthread_mutex_init(&batch.lock, NULL);
	(void)pthread_cond_init(&batch.progress, NULL);
	r = workers_new(request->thread_count, batch_run, NULL, &batch, &workers);
	if (r == 0) {
		r = batch_serve(&batch, workers, paths, count, visit, context, why);
		(void)workers_finish(workers, NULL);
	}
	(void)pthread_cond_destroy(&batch.progress);
	(void)pthread_mutex_destroy(&batch.lock);
	return r;
}
