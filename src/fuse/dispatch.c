/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * dispatch.c - from a request's bytes to an answer
 */
#include "fuse/dispatch.h"

#include <assert.h>
#include <errno.h>

#include "base/trace.h"
#include "fuse/operations_private.h"

/* The kernel takes errors above -512, and ENOSYS from a file system would switch the operation off.
 */
static int error_for_kernel(const struct operation *operation, int r)
{
	if (r <= -512 || (r == -ENOSYS && operation->calls_fs))
		return -EIO;
	return r;
}

static int answer_request(struct request *request)
{
	uint32_t opcode = request->parts.head.opcode;
	const struct operation *operation = operation_of(opcode);

	if (!operation->answer)
		return operation->error ? operation->error : -ENOSYS;
	if (!request->connection->is_negotiated && opcode != OP_INIT)
		return -EIO;
	return error_for_kernel(operation, operation->answer(request));
}

static void reply_reset(struct fuse_reply *reply, struct abi_reply *head, uint64_t unique)
{
	*head = (struct abi_reply){sizeof(*head), 0, unique};
	reply->used = 0;
	reply->size = 0;
	reply->limit = reply->capacity;
	reply->is_query = false;
	reply->is_in_conduit = false;
	reply->caller_uid = UINT32_MAX;
	reply->part_count = 1;
	reply->parts[0] = (struct iovec){head, sizeof(*head)};
}

void dispatch_fail(struct fuse_reply *reply, struct abi_reply *head, uint64_t unique, int err)
{
	reply_reset(reply, head, unique);
	head->error = err;
}

size_t request_argument_size(uint32_t opcode)
{
	const struct operation *operation = operation_of(opcode);

	return operation->has_names ? operation->argument_size : SIZE_MAX;
}

static bool is_silent(uint32_t opcode)
{
	return operation_of(opcode)->is_silent;
}

enum dispatch_result dispatch_parts(struct connection *connection,
				    const struct request_parts *parts, struct fuse_reply *reply,
				    struct abi_reply *head)
{
	struct request request = {.connection = connection, .parts = *parts, .reply = reply};
	int r;

	if (is_silent(parts->head.opcode))
		return DISPATCH_SILENT;
	reply_reset(reply, head, parts->head.unique);
	reply->caller_uid = parts->head.uid;
	r = answer_request(&request);
	TRACE("fuse", "opcode %u node %llu: %d, %zu bytes", parts->head.opcode,
	      (unsigned long long)parts->head.nodeid, r, reply->size);
	assert(r <= 0);
	if (r < 0)
		dispatch_fail(reply, head, parts->head.unique, r);
	else
		head->size = (uint32_t)(sizeof(*head) + reply->size);
	return parts->head.opcode == OP_DESTROY && r == 0 ? DISPATCH_END : DISPATCH_REPLY;
}

enum dispatch_result dispatch(struct connection *connection, struct span bytes,
			      struct fuse_reply *reply, struct abi_reply *head)
{
	struct request_parts parts = {0};
	struct span rest;
	size_t size;

	if (bytes.size < sizeof(parts.head)) /* not even a number to answer to */
		return DISPATCH_SILENT;
	memcpy(&parts.head, bytes.data, sizeof(parts.head));
	if (is_silent(parts.head.opcode))
		return DISPATCH_SILENT;
	if (parts.head.size != bytes.size) {
		dispatch_fail(reply, head, parts.head.unique, -EIO);
		return DISPATCH_REPLY;
	}
	(void)span_from(bytes, sizeof(parts.head), &rest);
	size = request_argument_size(parts.head.opcode);
	if (size > rest.size)
		size = rest.size;
	(void)span_cut(rest, 0, size, &parts.arguments);
	(void)span_from(rest, size, &parts.names);
	return dispatch_parts(connection, &parts, reply, head);
}
