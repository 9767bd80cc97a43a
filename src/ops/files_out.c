/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/files_out.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/reader.h"
#include "oci/descriptor.h"
#include "oci/tar_write.h"
#include "ops/output.h"
#include "verity/sha.h"

#define BUFFER_SIZE ((size_t)256 * 1024)

struct files_out {
	char *directory; /* owned; NULL: an archive */
	pthread_mutex_t lock;
	/* guarded by lock: */
	struct output archive;
	struct tar_writer *tar; /* owned */
	int error;          /* of a file that is not what its header says: the archive is spoilt */
	struct diag reason; /* of that error */
};

static int archive_sink(void *context, struct span bytes, struct diag *why)
{
	return output_write(context, bytes, why);
}

static int out_new(struct files_out **ret)
{
	struct files_out *out = calloc(1, sizeof(*out));

	if (!out)
		return -ENOMEM;
	out->archive = OUTPUT_EMPTY;
	(void)pthread_mutex_init(&out->lock, NULL);
	if (tar_writer_new(archive_sink, &out->archive, &out->tar) < 0) {
		files_out_close(out);
		return -ENOMEM;
	}
	*ret = out;
	return 0;
}

void files_out_close(struct files_out *out)
{
	int saved = errno;

	if (!out)
		return;
	tar_writer_free(out->tar);
	output_release(&out->archive);
	(void)pthread_mutex_destroy(&out->lock);
	free(out->directory);
	free(out);
	errno = saved;
}

static void files_out_closep(struct files_out **out)
{
	files_out_close(*out);
	*out = NULL;
}

int files_out_directory(const char *path, struct files_out **ret, struct diag *why)
{
	CLEAN(files_out_closep) struct files_out *out = NULL;
	int r = out_new(&out);

	if (r < 0)
		return r;
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return diag_errno(why, -errno, "cannot make directory '%.300s'", path);
	out->directory = strdup(path);
	if (!out->directory)
		return -ENOMEM;
	*ret = TAKE(out);
	return 0;
}

int files_out_archive(const char *path, struct files_out **ret, struct diag *why)
{
	CLEAN(files_out_closep) struct files_out *out = NULL;
	int r = out_new(&out);

	if (r == 0)
		r = output_open(path, &out->archive, why);
	if (r < 0)
		return diag_wrap(why, r, "'%.300s'", path);
	*ret = TAKE(out);
	return 0;
}

/* path below the directory; the caller frees. */
static char *below(const struct files_out *out, const char *path)
{
	char *joined;

	return asprintf(&joined, "%s/%s", out->directory, path) < 0 ? NULL : joined;
}

int files_out_has(struct files_out *out, const char *path, uint64_t size_bytes)
{
	CLEAN(memory_freep) char *full = out->directory ? below(out, path) : NULL;
	struct stat stat;

	return full && lstat(full, &stat) == 0 && S_ISREG(stat.st_mode) &&
	       (uint64_t)stat.st_size == size_bytes;
}

/* Bytes into an output, counted and hashed on the way. */

struct copy {
	struct output *output;
	struct sha *sha; /* owned; NULL: nobody asks for a digest */
	uint64_t size;
};

static int copy_span(struct copy *copy, struct span bytes, struct diag *why)
{
	int r = copy->sha ? sha_update(copy->sha, bytes) : 0;

	if (r < 0)
		return diag_set(why, r, "libcrypto failed to hash");
	copy->size += bytes.size;
	return output_write(copy->output, bytes, why);
}

static int copy_reader(struct copy *copy, const struct reader *bytes, uint64_t size,
		       struct diag *why)
{
	CLEAN(memory_freep) uint8_t *buffer = malloc(BUFFER_SIZE);
	ssize_t got;
	int r;

	if (!buffer)
		return -ENOMEM;
	while ((got = reader_read(bytes, buffer, BUFFER_SIZE, why)) > 0) {
		if ((uint64_t)got > size - copy->size)
			return diag_set(why, -EBADMSG, "more bytes than the %llu promised",
					(unsigned long long)size);
		r = copy_span(copy, span_of(buffer, (size_t)got), why);
		if (r < 0)
			return r;
	}
	return (int)got;
}

static int copy_check(struct copy *copy, const struct oci_descriptor *content, struct diag *why)
{
	struct digest digest;
	int r;

	if (copy->size != content->size)
		return diag_set(why, -EBADMSG, "%llu bytes, where %llu were promised",
				(unsigned long long)copy->size, (unsigned long long)content->size);
	r = sha_finish(copy->sha, &digest);
	if (r < 0)
		return diag_set(why, r, "libcrypto failed to hash");
	if (!digest_equal(&digest, &content->digest))
		return diag_set(why, -EBADMSG, "the content has another digest than its name");
	return 0;
}

static int content_copy(struct output *output, const struct oci_descriptor *content,
			const struct reader *bytes, struct diag *why)
{
	CLEAN(sha_freep) struct sha *sha = NULL;
	struct copy copy = {.output = output};
	int r;

	r = sha_new((enum digest_algorithm)content->digest.algorithm, &sha, why);
	if (r < 0)
		return r;
	copy.sha = sha;
	r = copy_reader(&copy, bytes, content->size, why);
	return r < 0 ? r : copy_check(&copy, content, why);
}

/* A directory */

static int parents_make(char *path, const char *from, struct diag *why)
{
	for (char *slash = strchr(from, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return diag_errno(why, -errno, "cannot make directory '%.300s'", path);
		*slash = '/';
	}
	return 0;
}

static int directory_put(struct files_out *out, const char *path,
			 const struct oci_descriptor *content, const struct reader *bytes,
			 struct span span, struct diag *why)
{
	CLEAN(output_release) struct output output = OUTPUT_EMPTY;
	CLEAN(memory_freep) char *full = below(out, path);
	int r;

	if (!full)
		return -ENOMEM;
	r = parents_make(full, full + strlen(out->directory) + 1, why);
	if (r == 0)
		r = output_open(full, &output, why);
	if (r == 0)
		r = bytes ? content_copy(&output, content, bytes, why)
			  : output_write(&output, span, why);
	return r < 0 ? r : output_commit(&output, why);
}

/* An archive */

static int archive_put_locked(struct files_out *out, const char *path,
			      const struct oci_descriptor *content, const struct reader *bytes,
			      struct span span, struct diag *why)
{
	const struct tar_entry entry = {
		.type = TAR_REGULAR,
		.mode = 0644,
		.size = bytes ? content->size : span.size,
		.name = span_of_string(path),
	};
	int r;

	r = tar_write_entry(out->tar, &entry, why);
	if (r < 0 || !bytes)
		return r < 0 ? r : tar_write_body(out->tar, span, why);
	tar_write_body_elsewhere(out->tar); /* it is hashed on its way */
	return content_copy(&out->archive, content, bytes, why);
}

static int archive_put(struct files_out *out, const char *path,
		       const struct oci_descriptor *content, const struct reader *bytes,
		       struct span span, struct diag *why)
{
	int r;

	(void)pthread_mutex_lock(&out->lock);
	if (!out->error)
		out->error = archive_put_locked(out, path, content, bytes, span, &out->reason);
	/* Others that come behind a failure fail like it: whichever is told first tells why. */
	r = out->error;
	if (r < 0)
		(void)diag_set(why, r, "%.400s", diag_text(&out->reason, r));
	(void)pthread_mutex_unlock(&out->lock);
	return r;
}

/* Either */

int files_out_put(struct files_out *out, const char *path, const struct oci_descriptor *content,
		  const struct reader *bytes, struct diag *why)
{
	int r = (out->directory ? directory_put : archive_put)(out, path, content, bytes,
							       SPAN_EMPTY, why);

	return r < 0 ? diag_wrap(why, r, "'%.200s'", path) : 0;
}

int files_out_put_span(struct files_out *out, const char *path, struct span bytes, struct diag *why)
{
	int r = (out->directory ? directory_put : archive_put)(out, path, NULL, NULL, bytes, why);

	return r < 0 ? diag_wrap(why, r, "'%.200s'", path) : 0;
}

int files_out_read(struct files_out *out, const char *path, size_t limit, struct buf *ret,
		   struct diag *why)
{
	CLEAN(memory_freep) char *full = NULL;
	CLEAN(fd_closep) int fd = -1;
	int r;

	if (!out->directory)
		return -ENOENT;
	full = below(out, path);
	if (!full)
		return -ENOMEM;
	fd = openat(AT_FDCWD, full, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT
				       : diag_errno(why, -errno, "cannot open '%.300s'", full);
	r = fd_read_all(fd, limit, ret);
	return r < 0 ? diag_errno(why, r, "cannot read '%.300s'", full) : 0;
}

int files_out_sync(struct files_out *out, struct diag *why)
{
	CLEAN(fd_closep) int fd = -1;

	if (!out->directory)
		return 0;
	fd = openat(AT_FDCWD, out->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) < 0)
		return diag_errno(why, -errno, "cannot write '%.300s' to disk", out->directory);
	return 0;
}

int files_out_finish(struct files_out *out, struct diag *why)
{
	int r;

	if (out->directory)
		return files_out_sync(out, why);
	if (out->error)
		return diag_set(why, out->error, "%.400s", diag_text(&out->reason, out->error));
	r = tar_write_end(out->tar, why);
	if (r == 0 && fsync(out->archive.fd) < 0 && errno != EINVAL && errno != EROFS)
		r = diag_errno(why, -errno, "cannot write the archive to disk");
	return r < 0 ? r : output_commit(&out->archive, why);
}
