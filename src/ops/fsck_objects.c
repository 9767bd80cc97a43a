/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/workers.h"
#include "ops/fsck_private.h"
#include "ops/hashers.h"
#include "store/objects.h"
#include "store/quarantine.h"
#include "store/store.h"
#include "verity/hasher.h"
#include "verity/kernel.h"

struct object_check {
	struct fsck *fsck;
	struct store_config config;
	struct hashers hashers;
	struct workers *workers;
	uint64_t of_other_algorithm; /* names; of the walking thread */
	uint64_t done_count;         /* atomic, as the next two */
	uint64_t done_bytes;
	uint64_t corrupted;
};

struct object_job {
	struct digest name;
	char path[]; /* below objects/ */
};

/* Note a damaged object, and put it aside if that is wanted. */
static void note_damage(struct object_check *check, const char *path, const char *kind,
			const char *text)
{
	struct fsck *fsck = check->fsck;
	char subject[sizeof("objects/") + 300];
	const char *repair = NULL;

	(void)__atomic_add_fetch(&check->corrupted, 1, __ATOMIC_RELAXED);
	(void)snprintf(subject, sizeof(subject), "objects/%s", path);
	if (fsck->request->is_repair && quarantine_object(fsck->store, path, NULL) == 0)
		repair = "put aside";
	fsck_note(fsck, kind, subject, repair, "%s", text);
}

static void note_failure(struct object_check *check, const char *path, const char *kind, int err,
			 struct diag *why)
{
	char subject[sizeof("objects/") + 300];

	(void)__atomic_add_fetch(&check->corrupted, 1, __ATOMIC_RELAXED);
	(void)snprintf(subject, sizeof(subject), "objects/%s", path);
	fsck_note(check->fsck, kind, subject, NULL, "%s", diag_text(why, err));
}

/* Returns a descriptor, or -1 when a problem was noted. */
static int open_object(struct object_check *check, const struct object_job *job, uint64_t *ret_size)
{
	CLEAN(fd_closep) int fd = -1;
	struct diag why = {0};
	struct stat stat;

	fd = openat(store_objects_fd(check->fsck->store), job->path,
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return -1; /* a sweep of another program was faster */
	if (fd < 0 && errno == ELOOP) {
		note_damage(check, job->path, "unexpected-file-type", "a symbolic link");
		return -1;
	}
	if (fd < 0 || fstat(fd, &stat) < 0) {
		note_failure(check, job->path, "object-open-failed", -errno, &why);
		return -1;
	}
	if (!S_ISREG(stat.st_mode)) {
		note_damage(check, job->path, "unexpected-file-type", "not a regular file");
		return -1;
	}
	*ret_size = (uint64_t)stat.st_size;
	return fd_take(&fd);
}

/*
 * The digest of its content. Returns 1 when it is that of the name, 0 when a problem was noted.
 */
static int check_content(struct object_check *check, const struct object_job *job, int fd)
{
	struct verity_hasher *hasher = NULL;
	struct diag why = {0};
	struct digest found;
	char hex[DIGEST_HEX_SIZE_MAX], text[64 + DIGEST_HEX_SIZE_MAX];
	uint64_t size;
	int r;

	r = hashers_take(&check->hashers, &hasher, &why);
	if (r == 0) {
		r = verity_hash_fd(hasher, fd, &found, &size, &why);
		hashers_give(&check->hashers, hasher);
	}
	if (r == -EIO && check->config.is_secure) {
		/* What the kernel answers when a block differs from its hash. */
		note_damage(check, job->path, "object-verity-failed", diag_text(&why, r));
	} else if (r < 0) {
		note_failure(check, job->path, "object-check-failed", r, &why);
	} else if (!digest_equal(&found, &job->name)) {
		(void)snprintf(text, sizeof(text), "the digest of its content is %s",
			       digest_hex(&found, hex));
		note_damage(check, job->path, "object-digest-mismatch", text);
	}
	return r == 0 && digest_equal(&found, &job->name);
}

/*
 * An object of a secure repository that the kernel does not guard. Its content may be all right:
 * then it only has to be guarded again.
 */
static void check_unguarded(struct object_check *check, const struct object_job *job, int fd,
			    struct diag *reason)
{
	char subject[sizeof("objects/") + DIGEST_PATH_SIZE_MAX];
	const char *repair = NULL;

	if (check->fsck->request->is_repair) {
		if (!check_content(check, job, fd))
			return;
		if (verity_enable(fd, check->config.algorithm, NULL) == 0)
			repair = "fs-verity turned on";
	}
	(void)__atomic_add_fetch(&check->corrupted, 1, __ATOMIC_RELAXED);
	(void)snprintf(subject, sizeof(subject), "objects/%s", job->path);
	fsck_note(check->fsck, "object-verity-missing", subject, repair, "%s", reason->text);
}

/* In a secure repository the kernel's digest is to be right, and what it lets through, too. */
static void check_guarded(struct object_check *check, const struct object_job *job, int fd)
{
	struct diag why = {0};
	struct digest measured;
	int r = verity_measure(fd, &measured, &why);

	if (r == -ENODATA || r == -EOPNOTSUPP)
		check_unguarded(check, job, fd, &why);
	else if (r < 0)
		note_failure(check, job->path, "object-verity-failed", r, &why);
	else if (!digest_equal(&measured, &job->name))
		note_damage(check, job->path, "object-digest-mismatch",
			    "the kernel's digest is another");
	else if (!check->fsck->request->metadata_only)
		(void)check_content(check, job, fd);
}

static int check_object(void *context, void *argument, struct diag *why)
{
	struct object_check *check = context;
	CLEAN(memory_freep) struct object_job *job = argument;
	CLEAN(fd_closep) int fd = -1;
	uint64_t size = 0, count, bytes;

	(void)why;
	fd = open_object(check, job, &size);
	if (fd >= 0 && check->config.is_secure)
		check_guarded(check, job, fd);
	else if (fd >= 0 && !check->fsck->request->metadata_only)
		(void)check_content(check, job, fd);
	count = __atomic_add_fetch(&check->done_count, 1, __ATOMIC_RELAXED);
	bytes = __atomic_add_fetch(&check->done_bytes, size, __ATOMIC_RELAXED);
	progress_report(&check->fsck->request->progress, "objects", count, bytes);
	return 0;
}

/* What a writer that was killed left is garbage, not damage. */
static bool is_leftover(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strncmp(slash ? slash + 1 : path, ".tmp-object-", strlen(".tmp-object-")) == 0;
}

static int queue_object(void *context, const char *path, const struct digest *name,
			struct diag *why)
{
	struct object_check *check = context;
	struct object_job *job;

	(void)why;
	if (!name && is_leftover(path))
		return 0;
	check->fsck->result.objects.checked++;
	if (!name) {
		note_damage(check, path, "object-invalid-name", "not the name of an object");
		return 0;
	}
	if (name->algorithm != check->config.algorithm) {
		/* Not put aside: it may be meta.json that is wrong. */
		check->of_other_algorithm++;
		note_failure(check, path, "object-invalid-name", -EUCLEAN,
			     &(struct diag){"a name of another hash algorithm"});
		return 0;
	}
	job = malloc(sizeof(*job) + strlen(path) + 1);
	if (!job)
		return -ENOMEM;
	job->name = *name;
	memcpy(job->path, path, strlen(path) + 1);
	return workers_add(check->workers, job);
}

static int by_subject(const void *a, const void *b)
{
	return strcmp(((const struct fsck_problem *)a)->subject,
		      ((const struct fsck_problem *)b)->subject);
}

static int check_objects(struct object_check *check, struct diag *why)
{
	int r, failed;

	r = workers_new(0, check_object, free, check, &check->workers);
	if (r < 0)
		return diag_errno(why, r, "cannot start threads");
	r = store_each_object_file(check->fsck->store, queue_object, check, why);
	failed = workers_finish(check->workers, why);
	return failed < 0 ? failed : r;
}

int fsck_objects(struct fsck *fsck, struct diag *why)
{
	struct object_check check = {.fsck = fsck, .config = store_config(fsck->store)};
	size_t before = fsck->problems.size;
	int r;

	hashers_init(&check.hashers, check.config.algorithm);
	r = check_objects(&check, why);
	hashers_release(&check.hashers);
	if (r < 0)
		return r;
	fsck->result.objects.corrupted = check.corrupted;
	/* Found by several threads: in an order that is the same each time. */
	if (fsck->problems.size > before)
		qsort(fsck->problems.data + before,
		      (fsck->problems.size - before) / sizeof(struct fsck_problem),
		      sizeof(struct fsck_problem), by_subject);
	if (fsck->result.meta == FSCK_META_OK && check.of_other_algorithm &&
	    check.of_other_algorithm == fsck->result.objects.checked) {
		fsck->result.meta = FSCK_META_ERROR;
		fsck_note(fsck, "metadata-algorithm-mismatch", "meta.json", NULL,
			  "it says %s, and all objects have names of the other algorithm",
			  digest_algorithm_name(check.config.algorithm));
	}
	return 0;
}
