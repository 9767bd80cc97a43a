/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * fuse-request - any bytes as requests to a view of an image, whose bytes may be wrong, too
 *
 * Input: one byte that picks the view (and 0x40: files are opened, 0x80: missing_any() is asked),
 * then records of a type byte, a size byte and size bytes:
 *   0  a request, as it is
 *   1  a request; its size field is set right, so that it gets beyond the first check
 *   2  a change of the image: 16 bits of offset into its metadata, then bytes to put there
 *   3  a request in parts: a byte of enum form, the size of the arguments, the head, the
 *      arguments, the names. It is asked again in the other form, which must not change the answer.
 *   4  as 0, into one piece
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
#include "serve/missing.h"
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
#define REPLY_ROOM_SMALL 8192
#define RECORDS_MAX 64

enum form {
	FORM_FLAT = 1,
	FORM_NAMES_IN_REPLY = 2, /* as io_uring brings them; of flat replies only */
	FORM_SMALL = 4,
};

static struct buf image_bytes;
static uint8_t *reply_buffers[2]; /* of the exact sizes */
static uint64_t sum;              /* of all bytes answered: so each is looked at */

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
	reply_buffers[0] = malloc(REPLY_ROOM);
	reply_buffers[1] = malloc(REPLY_ROOM_SMALL);
	if (!reply_buffers[0] || !reply_buffers[1])
		abort();
	if (dump_read_span(span_of_string(dump), NULL, &tree, NULL) < 0 ||
	    erofs_write(tree, versions, sink, &image_bytes, &written, NULL) < 0)
		abort();
	tree_free(tree);
}

static void look_at(const uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size; at++)
		sum += bytes[at];
}

static void check_reply(const struct fuse_reply *reply, const struct abi_reply *head)
{
	size_t size = 0;

	assert(reply->part_count >= 1 && reply->part_count <= 1 + REPLY_PARTS_MAX);
	for (uint32_t i = 0; i < reply->part_count; i++) {
		look_at(reply->parts[i].iov_base, reply->parts[i].iov_len);
		size += reply->parts[i].iov_len;
	}
	if (reply->is_flat) {
		assert(reply->part_count == 1);
		look_at(reply->buffer, reply->size);
		size += reply->size;
	}
	assert(reply->size <= reply->capacity);
	assert(head->size == size);
	assert(head->error <= 0 && head->error > -512);
	assert(head->error == 0 || size == sizeof(*head));
}

static struct fuse_reply reply_of(unsigned int form)
{
	bool is_small = form & FORM_SMALL;

	return (struct fuse_reply){
		.buffer = reply_buffers[is_small],
		.capacity = is_small ? REPLY_ROOM_SMALL : REPLY_ROOM,
		.is_flat = form & FORM_FLAT,
	};
}

static void send_request(struct connection *connection, uint8_t *bytes, size_t size, uint8_t type)
{
	struct fuse_reply reply = reply_of(type == 4 ? FORM_FLAT : 0);
	struct abi_reply head;
	uint32_t right = (uint32_t)size;

	if (type == 1 && size >= sizeof(right))
		memcpy(bytes, &right, sizeof(right));
	if (dispatch(connection, span_of(bytes, size), &reply, &head) != DISPATCH_SILENT)
		check_reply(&reply, &head);
}

/* A copy in an allocation of its own, so that a sanitizer sees the first byte too far. */
static struct span copy_of(struct span bytes)
{
	uint8_t *copy = malloc(bytes.size ? bytes.size : 1);

	if (!copy)
		abort();
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	return span_of(copy, bytes.size);
}

static enum dispatch_result ask_parts(struct connection *connection, struct request_parts parts,
				      unsigned int form, struct abi_reply *ret_head,
				      uint8_t *ret_body)
{
	struct fuse_reply reply = reply_of(form);
	enum dispatch_result result;
	size_t size = 0;

	if (form & FORM_NAMES_IN_REPLY && reply.is_flat && parts.names.size) {
		memcpy(reply.buffer, parts.names.data, parts.names.size);
		parts.names.data = reply.buffer;
	}
	result = dispatch_parts(connection, &parts, &reply, ret_head);
	if (result == DISPATCH_SILENT)
		return result;
	check_reply(&reply, ret_head);
	if (reply.is_flat)
		memcpy(ret_body, reply.buffer, reply.size);
	for (uint32_t i = 1; i < reply.part_count; i++) {
		memcpy(ret_body + size, reply.parts[i].iov_base, reply.parts[i].iov_len);
		size += reply.parts[i].iov_len;
	}
	return result;
}

static void send_parts(struct connection *connection, struct span record)
{
	static uint8_t body[REPLY_ROOM], other_body[REPLY_ROOM];
	struct request_parts parts = {0};
	struct abi_reply head, other_head;
	enum dispatch_result result;
	struct span arguments, names;
	unsigned int form;

	if (record.size < 2 + sizeof(parts.head))
		return;
	form = record.data[0];
	(void)span_from(record, 2 + sizeof(parts.head), &names);
	if (!span_cut(names, 0, record.data[1], &arguments))
		arguments = names;
	(void)span_from(names, arguments.size, &names);
	memcpy(&parts.head, record.data + 2, sizeof(parts.head));
	parts.arguments = arguments = copy_of(arguments);
	parts.names = names = copy_of(names);
	result = ask_parts(connection, parts, form, &head, body);
	/* Of these the second answer is another one. */
	if (result != DISPATCH_SILENT && parts.head.opcode != OP_INIT &&
	    parts.head.opcode != OP_OPEN) {
		enum dispatch_result other =
			ask_parts(connection, parts, form ^ FORM_FLAT, &other_head, other_body);

		assert(other == result);
		assert(memcmp(&head, &other_head, sizeof(head)) == 0);
		assert(memcmp(body, other_body, head.size - sizeof(head)) == 0);
	}
	free((void *)(uintptr_t)arguments.data);
	free((void *)(uintptr_t)names.data);
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
		struct span record, copy;

		if (!span_cut(input, 2, input.data[1], &record))
			return;
		(void)span_from(input, 2 + record.size, &input);
		if (type == 2) {
			change_image(record, image, image_size);
			continue;
		}
		if (type == 3) {
			send_parts(connection, record);
			continue;
		}
		copy = copy_of(record);
		send_request(connection, (uint8_t *)(uintptr_t)copy.data, record.size, type);
		free((void *)(uintptr_t)copy.data);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct connection connection = {0};
	struct view_config config = {0};
	struct image image;
	struct view *view;
	uint8_t *bytes;
	atomic_bool stop = false;
	bool is_missing;
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
	config.always_opens = true; /* no thread that finds out whether it has to */
	if (view_new(&config, &view, NULL) < 0)
		abort();
	connection.config.handlers = view_handlers(view);
	connection.config.fs = view;
	connection.config.opens_files = data[0] & 0x40;
	run_records(&connection, span_of(data + 1, size - 1), bytes, image_bytes.size);
	if (data[0] & 0x80)
		(void)missing_any(view, &stop, &is_missing);
	view_free(view);
	free(bytes);
	return 0;
}
