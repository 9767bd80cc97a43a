/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "base/ckd.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "ops/fsck_private.h"
#include "store/objects.h"
#include "store/splitstream.h"
#include "store/store.h"

struct stream_check {
	struct fsck *fsck;
	struct splitstream *stream;
	const char *subject;
	const struct fsck_stream_kinds *kinds;
	unsigned int lacks;
};

/* What an error of reading means for the stream: only damage is mended by having it again. */
static enum fsck_lack lack_of(int err)
{
	return err == -ENOENT || err == -EUCLEAN || err == -EBADMSG ? FSCK_LACKS_BYTES
								    : FSCK_UNREADABLE;
}

static void check_objects(struct stream_check *check)
{
	size_t count = splitstream_object_count(check->stream);

	for (size_t i = 0; i < count; i++) {
		struct digest object = splitstream_object(check->stream, i);
		struct diag why = {0};
		int r = object_find(check->fsck->store, &object, &why);

		if (r == 0)
			continue;
		check->lacks |= lack_of(r);
		fsck_note(check->fsck, check->kinds->missing_object, check->subject, NULL, "%s",
			  diag_text(&why, r));
	}
}

static void check_references(struct stream_check *check)
{
	size_t count = splitstream_reference_count(check->stream);

	for (size_t i = 0; i < count && check->kinds->missing_reference; i++) {
		struct span name;
		struct digest id = splitstream_reference(check->stream, i, &name);
		struct diag why = {0};
		int r = object_find(check->fsck->store, &id, &why);

		if (r == 0)
			continue;
		check->lacks |= r == -ENOENT ? FSCK_LACKS_REFERENCES : FSCK_UNREADABLE;
		fsck_note(check->fsck, check->kinds->missing_reference, check->subject, NULL,
			  "'%.*s': %s", (int)name.size, (const char *)name.data,
			  diag_text(&why, r));
	}
}

/* All chunks are there and add up. Returns 0 or -errno. */
static int read_chunks(struct stream_check *check, struct diag *why)
{
	uint64_t total = 0, size;
	int r;

	for (;;) {
		struct splitstream_chunk chunk;

		r = splitstream_next(check->stream, &chunk, why);
		if (r <= 0)
			break;
		size = chunk.bytes.size;
		if (chunk.is_external) {
			r = object_size(check->fsck->store, &chunk.object, &size, why);
			if (r < 0)
				return r;
		}
		if (ckd_add(&total, total, size))
			return diag_set(why, -EUCLEAN, "more than 2^64 bytes");
	}
	if (r == 0 && total != splitstream_size(check->stream))
		return diag_set(why, -EUCLEAN, "%llu bytes, its header says %llu",
				(unsigned long long)total,
				(unsigned long long)splitstream_size(check->stream));
	return r;
}

int fsck_stream(struct fsck *fsck, const struct digest *id, const char *subject,
		const struct fsck_stream_kinds *kinds, unsigned int *ret_lacks)
{
	CLEAN(splitstream_closep) struct splitstream *stream = NULL;
	struct stream_check check = {.fsck = fsck, .subject = subject, .kinds = kinds};
	struct diag why = {0};
	int r;

	r = splitstream_open(fsck->store, id, STREAM_TYPE_ANY, &stream, &why);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		fsck_note(fsck, kinds->open_failed, subject, NULL, "%s", diag_text(&why, r));
		*ret_lacks = lack_of(r);
		return 0;
	}
	check.stream = stream;
	check_objects(&check);
	check_references(&check);
	if (!(check.lacks & (FSCK_LACKS_BYTES | FSCK_UNREADABLE))) {
		r = read_chunks(&check, &why);
		if (r < 0) {
			check.lacks |= lack_of(r);
			fsck_note(fsck, kinds->read_failed, subject, NULL, "%s",
				  diag_text(&why, r));
		}
	}
	*ret_lacks = check.lacks;
	return 0;
}

static int check_stream(void *context, const char *name, const char *target, struct diag *why)
{
	static const struct fsck_stream_kinds kinds = {
		.open_failed = "stream-open-failed",
		.read_failed = "stream-read-failed",
		.missing_object = "missing-object-ref",
		.missing_reference = "missing-named-ref",
	};
	struct fsck *fsck = context;
	struct fsck_count *count = &fsck->result.streams;
	size_t first = fsck_problem_count(fsck);
	char subject[FSCK_SUBJECT_SIZE];
	unsigned int lacks = 0;
	struct digest id;
	int r;

	count->checked++;
	progress_report(&fsck->request->progress, "streams", count->checked, 0);
	r = fsck_link(fsck, ENTRY_STREAM, name, target, &id, why);
	if (r < 0)
		return r;
	if (r == 0) {
		count->corrupted++;
		return 0;
	}
	fsck_subject(ENTRY_STREAM, name, subject);
	r = fsck_stream(fsck, &id, subject, &kinds, &lacks);
	if (r < 0)
		return r;
	count->corrupted += lacks != 0;
	/*
	 * Without its name a pull stores it again, and its objects. References are not its own
	 * bytes: they come back with what they are of.
	 */
	if (lacks & FSCK_LACKS_BYTES && fsck_unlink(fsck, ENTRY_STREAM, name))
		fsck_repaired(fsck, first, "removed");
	return 0;
}

int fsck_streams(struct fsck *fsck, struct diag *why)
{
	return entries_each(fsck->store, ENTRY_STREAM, check_stream, fsck, why);
}
