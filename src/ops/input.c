/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "ops/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/workers.h"
#include "oci/inflate.h"
#include "oci/tar.h"
#include "oci/tar_tree.h"
#include "ops/hashers.h"
#include "store/objects.h"
#include "tree/dump_read.h"
#include "tree/scan.h"
#include "tree/tree.h"
#include "verity/hasher.h"

struct input {
	const struct input_options *options;
	struct transaction *transaction; /* NULL: contents are only hashed */
	struct hashers hashers;
	_Atomic uint64_t file_count;
	_Atomic uint64_t file_bytes;
};

/* Called by the scan's workers, several at a time. */
static int input_content(void *context, int fd, uint64_t size_bytes, struct digest *ret,
			 struct diag *why)
{
	struct input *input = context;
	struct verity_hasher *hasher;
	uint64_t count, bytes;
	int r;

	r = hashers_take(&input->hashers, &hasher, why);
	if (r < 0)
		return r;
	if (input->transaction)
		r = object_add_file(input->transaction, hasher, fd, size_bytes, ret, why);
	else
		r = verity_hash_fd(hasher, fd, ret, &bytes, why);
	hashers_give(&input->hashers, hasher);
	if (r < 0)
		return r;
	count = atomic_fetch_add_explicit(&input->file_count, 1, memory_order_relaxed) + 1;
	bytes = atomic_fetch_add_explicit(&input->file_bytes, size_bytes, memory_order_relaxed) +
		size_bytes;
	progress_report(&input->options->progress, input->transaction ? "import" : "hash", count,
			bytes);
	return 0;
}

static int input_scan(int fd, const struct input_options *options, struct transaction *transaction,
		      struct tree **ret, struct input_stats *ret_stats, struct diag *why)
{
	struct input input = {.options = options, .transaction = transaction};
	struct scan_options scan = {
		.algorithm = options->algorithm,
		.thread_count = options->thread_count,
		.skip_xattrs = options->skip_xattrs,
		.user_xattrs = options->user_xattrs,
		.skip_devices = options->skip_devices,
		.use_epoch = options->use_epoch,
		.no_hard_links = options->no_hard_links,
		.content = input_content,
		.context = &input,
	};
	int r;

	/* Storing waits for the disk as much as for the processor, so more than one job a CPU. */
	if (transaction && scan.thread_count == 0)
		scan.thread_count = 2 * cpu_count();
	hashers_init(&input.hashers, options->algorithm);
	r = tree_scan(fd, &scan, ret, why);
	hashers_release(&input.hashers);
	*ret_stats = (struct input_stats){false, input.file_count, input.file_bytes};
	return r;
}

static int input_open(const char *path, struct stat *ret_stat, struct diag *why)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					: openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return diag_errno(why, -errno, "open '%s'", path);
	if (fstat(fd, ret_stat) < 0) {
		int r = diag_errno(why, -errno, "stat '%s'", path);

		fd_close(fd);
		return r;
	}
	return fd;
}

/* A file or a pipe, of which the beginning has been looked at. */
struct input_file {
	int fd; /* borrowed */
	uint8_t head[TAR_BLOCK_SIZE];
	size_t head_size;
	size_t head_used;
};

static ssize_t file_read(void *context, void *data, size_t size, struct diag *why)
{
	struct input_file *file = context;
	size_t left = file->head_size - file->head_used;
	ssize_t got;

	if (left) {
		size = size < left ? size : left;
		memcpy(data, file->head + file->head_used, size);
		file->head_used += size;
		return (ssize_t)size;
	}
	got = fd_read(file->fd, data, size);
	return got < 0 ? diag_errno(why, (int)got, "cannot read it") : got;
}

static int file_open(int fd, struct input_file *ret, struct diag *why)
{
	ssize_t got = fd_read(fd, ret->head, sizeof(ret->head));

	if (got < 0)
		return diag_errno(why, (int)got, "cannot read it");
	ret->fd = fd;
	ret->head_size = (size_t)got;
	ret->head_used = 0;
	return 0;
}

/* The first block of a tar archive ends in NULs, whichever format it has. */
static bool is_archive(const struct input_file *file)
{
	size_t size = file->head_size < INFLATE_MAGIC_SIZE ? file->head_size : INFLATE_MAGIC_SIZE;

	return (file->head_size && memchr(file->head, '\0', file->head_size)) ||
	       inflate_knows(span_of(file->head, size));
}

/* Compressed in a way that is not read here; NULL: not that anybody knew. */
static const char *foreign_compression(const struct input_file *file)
{
	static const struct {
		const char *program;
		struct span magic;
	} known[] = {
		{"xz",
		 {(const uint8_t *)"\xfd"
				   "7zXZ\0",
		  6}},
		{"bzip2", {(const uint8_t *)"BZh", 3}},
		{"lzip", {(const uint8_t *)"LZIP", 4}},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (file->head_size >= known[i].magic.size &&
		    memcmp(file->head, known[i].magic.data, known[i].magic.size) == 0)
			return known[i].program;
	}
	return NULL;
}

static int archive_progress(void *context, uint64_t file_count, uint64_t file_bytes)
{
	struct input *input = context;

	input->file_count = file_count;
	input->file_bytes = file_bytes;
	progress_report(&input->options->progress, input->transaction ? "import" : "hash",
			file_count, file_bytes);
	return 0;
}

static int archive_read(const struct reader *bytes, const struct input_options *options,
			struct transaction *transaction, struct tree **ret,
			struct input_stats *ret_stats, struct diag *why)
{
	struct input input = {.options = options, .transaction = transaction};
	const struct tar_tree_request request = {
		.algorithm = options->algorithm,
		.transaction = transaction,
		.bytes_max = IMPORT_TAR_SIZE_MAX,
		.progress = archive_progress,
		.context = &input,
	};
	int r = tar_tree_read(bytes, &request, ret, why);

	*ret_stats = (struct input_stats){false, input.file_count, input.file_bytes};
	return r;
}

int input_read(const char *path, const struct input_options *options,
	       struct transaction *transaction, struct tree **ret, struct input_stats *ret_stats,
	       struct diag *why)
{
	struct dump_options dump = {.is_strict = options->strict_dump};
	struct input_file file;
	const struct reader bytes = {.read = file_read, .context = &file};
	CLEAN(fd_closep) int fd = -1;
	bool is_directory;
	struct stat st;
	int r;

	*ret_stats = (struct input_stats){0};
	fd = input_open(path, &st, why);
	if (fd < 0)
		return fd;
	is_directory = S_ISDIR(st.st_mode);
	if (options->kind == INPUT_DIRECTORY && !is_directory)
		return diag_set(why, -ENOTDIR, "'%s' is not a directory", path);
	if (options->kind == INPUT_DUMP && is_directory)
		return diag_set(why, -EISDIR, "'%s' is a directory, not a dump", path);
	if (is_directory)
		return input_scan(fd, options, transaction, ret, ret_stats, why);
	r = file_open(fd, &file, why);
	if (r < 0)
		return r;
	if (options->kind == INPUT_BY_TYPE && foreign_compression(&file))
		return diag_set(
			why, -EOPNOTSUPP,
			"it is compressed by %s, which is not read here; '%s -dc' into '-' is",
			foreign_compression(&file), foreign_compression(&file));
	if (options->kind == INPUT_BY_TYPE && is_archive(&file))
		return archive_read(&bytes, options, transaction, ret, ret_stats, why);
	ret_stats->is_dump = true;
	r = dump_read(&bytes, &dump, ret, why);
	/* What somebody wrote is wrong, as an argument can be; nothing of ours is damaged. */
	return r == -EUCLEAN ? -EINVAL : r;
}
