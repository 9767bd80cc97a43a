/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/tar_split.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/reader.h"
#include "oci/files.h"
#include "oci/json.h"

#define PIECE_SIZE ((size_t)128 * 1024) /* of lines, read at a time */

enum { ENTRY_FILE = 1, ENTRY_SEGMENT = 2 };

struct tar_split {
	struct reader lines;          /* owned */
	struct tar_split_files files; /* owned */
	/* Lines that were read, of which those up to at have been used. */
	struct buf text; /* owned */
	size_t at;
	size_t searched; /* bytes from at on that hold no end of a line */
	bool is_at_end;  /* of lines: there are no more than what text has */
	/* What the last line stands for, as far as it was not read yet. */
	struct buf segment; /* owned */
	size_t segment_at;
	struct oci_file file; /* owned; size is what is left to read */
	struct buf name;      /* owned; of the file, with its NUL */
};

static void split_release(struct tar_split *split)
{
	reader_close(&split->lines);
	if (split->files.close)
		split->files.close(split->files.context);
	buf_release(&split->text);
	buf_release(&split->segment);
	oci_file_release(&split->file);
	buf_release(&split->name);
	free(split);
}

static void split_close(void *context)
{
	split_release(context);
}

/* Lines */

static int text_more(struct tar_split *split, struct diag *why)
{
	ssize_t got;

	if (split->at) {
		memmove(split->text.data, split->text.data + split->at,
			split->text.size - split->at);
		split->text.size -= split->at;
		split->at = 0;
	}
	if (buf_reserve(&split->text, PIECE_SIZE) < 0)
		return -ENOMEM;
	got = reader_read(&split->lines, split->text.data + split->text.size, PIECE_SIZE, why);
	if (got < 0)
		return (int)got;
	split->is_at_end = got == 0;
	split->text.size += (size_t)got;
	return 0;
}

/* The next line, without its end, valid until the next call. Returns 1, 0 at the end, or -errno. */
static int line_next(struct tar_split *split, struct span *ret, struct diag *why)
{
	for (;;) {
		const uint8_t *rest = split->text.data + split->at;
		size_t size = split->text.size - split->at;
		const uint8_t *end = NULL;
		int r;

		if (size > split->searched)
			end = memchr(rest + split->searched, '\n', size - split->searched);
		if (end || (split->is_at_end && size)) {
			*ret = span_of(rest, end ? (size_t)(end - rest) : size);
			split->at += ret->size + (end != NULL);
			split->searched = 0;
			return 1;
		}
		if (split->is_at_end)
			return 0;
		if (size > TAR_SPLIT_LINE_SIZE_MAX)
			return diag_set(why, -E2BIG, "tar-split: a line of more than %d MiB",
					TAR_SPLIT_LINE_SIZE_MAX / (1024 * 1024));
		split->searched = size;
		r = text_more(split, why);
		if (r < 0)
			return r;
	}
}

/* Entries */

static int segment_take(struct tar_split *split, const json_t *entry, struct diag *why)
{
	const char *payload;
	int r;

	r = oci_json_text(entry, "payload", &payload, why);
	if (r < 0)
		return r;
	split->segment.size = 0;
	split->segment_at = 0;
	if (!payload)
		return 0;
	r = base64_decode(span_of_string(payload), &split->segment);
	return r == -EUCLEAN ? diag_set(why, r, "'payload' is not base64") : r;
}

static int name_take(struct tar_split *split, const json_t *entry, struct diag *why)
{
	const char *name, *raw;
	int r;

	split->name.size = 0;
	r = oci_json_text(entry, "name_raw", &raw, why);
	if (r == 0)
		r = oci_json_text(entry, "name", &name, why);
	if (r < 0)
		return r;
	if (raw && raw[0])
		r = base64_decode(span_of_string(raw), &split->name);
	else if (name)
		r = buf_append_string(&split->name, name);
	if (r == -EUCLEAN)
		return diag_set(why, r, "'name_raw' is not base64");
	if (r < 0)
		return r;
	if (split->name.size == 0 || memchr(split->name.data, '\0', split->name.size))
		return diag_set(why, -EUCLEAN, "contents of a file without a name");
	return buf_append_byte(&split->name, '\0');
}

static int file_take(struct tar_split *split, const json_t *entry, struct diag *why)
{
	CLEAN(oci_file_release) struct oci_file file = OCI_FILE_NONE;
	const char *name;
	uint64_t size;
	int r;

	if (!json_object_get(entry, "size"))
		return 0;
	r = oci_json_number_needed(entry, "size", &size, why);
	if (r < 0 || size == 0)
		return r;
	r = name_take(split, entry, why);
	if (r < 0)
		return r;
	name = (const char *)split->name.data;
	r = split->files.open(split->files.context, name, &file, why);
	if (r == -ENOENT)
		return diag_set(why, -EUCLEAN, "there is no '%.200s'", name);
	if (r < 0)
		return r;
	if (file.size < size)
		return diag_set(why, -EUCLEAN, "'%.200s' has become shorter", name);
	file.size = size;
	split->file = file;
	file = OCI_FILE_NONE; /* handed over */
	return 0;
}

static int line_take(struct tar_split *split, struct span line, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *entry = NULL;
	uint64_t type;
	int r;

	r = oci_json_object_load(line, &entry, why);
	if (r == 0)
		r = oci_json_number_needed(entry, "type", &type, why);
	if (r < 0)
		return r;
	if (type == ENTRY_SEGMENT)
		return segment_take(split, entry, why);
	if (type == ENTRY_FILE)
		return file_take(split, entry, why);
	return diag_set(why, -EUCLEAN, "an entry of type %llu", (unsigned long long)type);
}

/* Reading */

static ssize_t segment_read(struct tar_split *split, void *data, size_t size)
{
	size_t left = split->segment.size - split->segment_at;

	if (size > left)
		size = left;
	memcpy(data, split->segment.data + split->segment_at, size);
	split->segment_at += size;
	return (ssize_t)size;
}

static ssize_t file_read(struct tar_split *split, void *data, size_t size, struct diag *why)
{
	struct oci_file *file = &split->file;
	const char *name = (const char *)split->name.data;
	ssize_t got;

	if (size > file->size)
		size = (size_t)file->size;
	got = fd_pread(file->fd, data, size, file->offset);
	if (got < 0)
		return diag_errno(why, (int)got, "cannot read '%.200s'", name);
	if (got == 0)
		return diag_set(why, -EUCLEAN, "'%.200s' has become shorter", name);
	file->offset += (size_t)got;
	file->size -= (size_t)got;
	if (file->size == 0)
		oci_file_release(file);
	return got;
}

static ssize_t split_read(void *context, void *data, size_t size, struct diag *why)
{
	struct tar_split *split = context;

	for (;;) {
		struct span line;
		int r;

		if (split->segment_at < split->segment.size)
			return segment_read(split, data, size);
		if (split->file.fd >= 0)
			return file_read(split, data, size, why);
		r = line_next(split, &line, why);
		if (r <= 0)
			return r;
		r = line_take(split, line, why);
		if (r < 0)
			return diag_wrap(why, r, "tar-split");
	}
}

int tar_split_reader(struct reader *lines, const struct tar_split_files *files, struct reader *ret,
		     struct diag *why)
{
	struct tar_split *split = calloc(1, sizeof(*split));

	(void)why;
	if (!split) {
		reader_close(lines);
		if (files->close)
			files->close(files->context);
		return -ENOMEM;
	}
	split->lines = *lines;
	*lines = READER_NONE;
	split->files = *files;
	split->file = OCI_FILE_NONE;
	*ret = (struct reader){split_read, split_close, split};
	return 0;
}
