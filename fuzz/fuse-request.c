/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fuse-request - any bytes as requests to a view of an image, whose bytes may be wrong, too
 *
 * Input: one byte that picks the view, then records of a type byte, a size byte and size bytes:
 *   0  a request, as it is
 *   1  a request; its size field is set right, so that it gets beyond the first check
 *   2  a change of the image: 16 bits of offset into its metadata, then bytes to put there
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"
#include "erofs/image.h"
#include "erofs/writer.h"
#include "fuse/dispatch.h"
#include "serve/view.h"
#include "tree/dump_read.h"
#include "tree/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char dump[] = "/ 0 40755 2 0 0 0 7.5 - - - user.overlay.opaque=x trusted.a=b\n"
			   "/d 0 40755 2 0 0 0 8.5 - - - trusted.overlay.opaque=y\n"
			   "/d/whiteout 0 20644 1 0 0 0 7.5 - - -\n"
			   "/ext 5000 100644 1 0 0 0 7.5 ab/cdef - - user.overlay.x=1 lustre.x=1\n"
			   "/inline 5 100644 1 0 0 0 7.5 - hello - security.x=y\n"
			   "/link 0 120777 1 0 0 0 7.5 inline - -\n";

#define REPLY_ROOM 65536 /* one READ; more would only make a run longer */
#define RECORDS_MAX 64

static struct buf image_bytes;
static uint8_t reply_buffer[REPLY_ROOM];
static uint64_t sum; /* of all bytes answered: so each is looked at */

static int sink(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

static void image_make(void)
{
	const struct erofs_version_range versions = {.min = 1, .max = 1};
	struct erofs_written written;
	struct tree *tree;

	if (image_bytes.size)
		return;
	if (dump_read_span(span_of_string(dump), NULL, &tree, NULL) < 0 ||
	    erofs_write(tree, versions, sink, &image_bytes, &written, NULL) < 0)
		abort();
	tree_free(tree);
}

static void check_reply(const struct fuse_reply *reply, const struct abi_reply *head)
{
	size_t size = 0;

	assert(reply->part_count >= 1 && reply->part_count <= 1 + REPLY_PARTS_MAX);
	for (uint32_t i = 0; i < reply->part_count; i++) {
		const uint8_t *bytes = reply->parts[i].iov_base;

		size += reply->parts[i].iov_len;
		for (size_t at = 0; at < reply->parts[i].iov_len; at++)
			sum += bytes[at];
	}
	assert(head->size == size);
	assert(head->error <= 0 && head->error > -512);
	assert(head->error == 0 || size == sizeof(*head));
}

static void send_request(struct connection *connection, uint8_t *bytes, size_t size, bool patches)
{
	struct fuse_reply reply = {.buffer = reply_buffer, .capacity = sizeof(reply_buffer)};
	struct abi_reply head;
	uint32_t right = (uint32_t)size;

	if (patches && size >= sizeof(right))
		memcpy(bytes, &right, sizeof(right));
	if (dispatch(connection, span_of(bytes, size), &reply, &head) != DISPATCH_SILENT)
		check_reply(&reply, &head);
}

static void change_image(struct span record, uint8_t *image, size_t image_size)
{
	size_t offset;

	if (record.size < 3)
		return;
	offset = (size_t)(record.data[0] | record.data[1] << 8);
	for (size_t i = 2; i < record.size && offset < image_size; i++)
		image[offset++] = record.data[i];
}

static void run_records(struct connection *connection, struct span input, uint8_t *image,
			size_t image_size)
{
	for (int i = 0; i < RECORDS_MAX && input.size >= 2; i++) {
		uint8_t type = input.data[0];
		struct span record;
		uint8_t *copy;

		if (!span_cut(input, 2, input.data[1], &record))
			return;
		(void)span_from(input, 2 + record.size, &input);
		if (type == 2) {
			change_image(record, image, image_size);
			continue;
		}
		/* Its own allocation, so that a sanitizer sees the first byte too far. */
		copy = malloc(record.size ? record.size : 1);
		if (!copy)
			abort();
		memcpy(copy, record.data, record.size);
		send_request(connection, copy, record.size, type == 1);
		free(copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct connection connection = {0};
	struct view_config config = {0};
	struct image image;
	struct view *view;
	uint8_t *bytes;
	int nowhere = -1;

	if (size < 1)
		return 0;
	image_make();
	bytes = malloc(image_bytes.size);
	if (!bytes)
		abort();
	memcpy(bytes, image_bytes.data, image_bytes.size);
	if (image_open(span_of(bytes, image_bytes.size), &image, NULL) < 0)
		abort();
	config.kind = data[0] % 3;
	config.image = &image;
	config.object_fds = &nowhere;
	config.object_fd_count = 1;
	if (view_new(&config, &view, NULL) < 0)
		abort();
	connection.config.handlers = view_handlers(view);
	connection.config.fs = view;
	run_records(&connection, span_of(data + 1, size - 1), bytes, image_bytes.size);
	view_free(view);
	free(bytes);
	return 0;
}
