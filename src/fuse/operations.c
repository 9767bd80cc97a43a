/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * operations.c - what is answered to each opcode
 *
 * ENOSYS is more than a refusal: the kernel remembers it and stops asking, so for ACCESS, FLUSH,
 * OPENDIR and STATX it is the fast answer (STATX would only add a birth time, which images have
 * not).
 */
#include "fuse/operations_private.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "fuse/attributes.h"
#include "fuse/dispatch.h"

#define QUERY_SIZE_MAX UINT32_MAX /* the field that answers a query has 32 bits */

bool request_take(const struct request *request, void *ret, size_t size)
{
	if (request->parts.arguments.size < size)
		return false;
	memcpy(ret, request->parts.arguments.data, size);
	return true;
}

/* The first name, which ends with its NUL inside the request. */
static bool request_name(const struct request *request, struct span *ret)
{
	struct span names = request->parts.names;
	const uint8_t *end;

	if (names.size == 0)
		return false;
	end = memchr(names.data, 0, names.size);
	if (!end || end == names.data)
		return false;
	*ret = span_of(names.data, (size_t)(end - names.data));
	return true;
}

static int answer(struct request *request, const void *body, size_t size)
{
	return reply_copy(request->reply, span_of(body, size));
}

static int answer_lookup(struct request *request)
{
	const struct fuse_config *config = &request->connection->config;
	struct fuse_attributes attributes;
	struct abi_entry entry = {.entry_valid = VALID_FOREVER_SEC};
	struct span name;
	uint64_t nodeid;
	int r;

	if (!request_name(request, &name))
		return -EINVAL;
	r = config->handlers->lookup(config->fs, request->parts.head.nodeid, name, &nodeid,
				     &attributes);
	if (r == 0)
		entry = entry_of(nodeid, &attributes);
	else if (r != -ENOENT) /* that the name is missing may be cached, too */
		return r;
	return answer(request, &entry, sizeof(entry));
}

static int answer_getattr(struct request *request)
{
	const struct fuse_config *config = &request->connection->config;
	struct abi_getattr_reply body = {.attributes_valid = VALID_FOREVER_SEC};
	struct fuse_attributes attributes;
	int r;

	r = config->handlers->getattr(config->fs, request->parts.head.nodeid, &attributes);
	if (r < 0)
		return r;
	body.attributes = attributes_of(&attributes);
	return answer(request, &body, sizeof(body));
}

static int answer_readlink(struct request *request)
{
	const struct fuse_config *config = &request->connection->config;
	struct span target;
	int r;

	r = config->handlers->readlink(config->fs, request->parts.head.nodeid, &target);
	if (r < 0)
		return r;
	return reply_span(request->reply, target);
}

/* Whether the kernel reads files by itself, as far as it was told which. */
static bool passes_through(const struct connection *connection)
{
	return connection->backings && (connection->flags & INIT_PASSTHROUGH);
}

/* Without OPEN the kernel still keeps pages and asks for what it has not. */
static int answer_open(struct request *request)
{
	struct connection *connection = request->connection;
	const struct fuse_config *config = &connection->config;
	struct abi_open_reply body = {.open_flags = OPEN_REPLY_KEEP_CACHE};
	uint64_t nodeid = request->parts.head.nodeid;
	struct abi_open_request asked;
	int r;

	if (!config->opens_files && !passes_through(connection))
		return -ENOSYS;
	if (!request_take(request, &asked, sizeof(asked)))
		return -EINVAL;
	if ((asked.flags & O_ACCMODE) != O_RDONLY)
		return -EROFS;
	if (passes_through(connection))
		r = backings_open(connection->backings, nodeid, config->handlers->open, config->fs,
				  &body.backing_id);
	else /* -ENOSYS is for good; files that are open already keep what they have */
		r = config->handlers->find(config->fs, nodeid, request->reply);
	if (r == -ENOSYS && passes_through(connection))
		return -EIO;
	if (r < 0)
		return r;
	if (body.backing_id != BACKING_NONE)
		body.open_flags = OPEN_REPLY_PASSTHROUGH;
	return answer(request, &body, sizeof(body));
}

static int answer_release(struct request *request)
{
	struct abi_release_request asked;

	if (!request_take(request, &asked, sizeof(asked)))
		return -EINVAL;
	if (passes_through(request->connection))
		backings_release(request->connection->backings, request->parts.head.nodeid);
	return 0;
}

/* What READ, READDIR and READDIRPLUS ask for; bounds the reply by it. */
static bool take_read(struct request *request, struct abi_read_request *ret)
{
	if (!request_take(request, ret, sizeof(*ret)))
		return false;
	if (ret->size < request->reply->limit)
		request->reply->limit = ret->size;
	return true;
}

static int answer_read(struct request *request)
{
	const struct fuse_config *config = &request->connection->config;
	struct abi_read_request asked;

	if (!take_read(request, &asked) || asked.offset > INT64_MAX)
		return -EINVAL;
	return config->handlers->read(config->fs, request->parts.head.nodeid, asked.offset,
				      request->reply->limit, request->reply);
}

static int answer_readdir(struct request *request)
{
	const struct fuse_config *config = &request->connection->config;
	struct abi_read_request asked;

	if (!take_read(request, &asked))
		return -EINVAL;
	return config->handlers->readdir(config->fs, request->parts.head.nodeid, asked.offset,
					 request->parts.head.opcode == OP_READDIRPLUS,
					 request->reply);
}

static bool take_xattr(struct request *request)
{
	struct abi_xattr_request asked;

	if (!request_take(request, &asked, sizeof(asked)))
		return false;
	request->reply->is_query = asked.size == 0;
	if (request->reply->is_query)
		request->reply->limit = QUERY_SIZE_MAX;
	else if (asked.size < request->reply->limit)
		request->reply->limit = asked.size;
	return true;
}

static int finish_xattr(struct request *request, int r)
{
	struct abi_xattr_size_reply body = {.size = (uint32_t)request->reply->size};

	if (r < 0 || !request->reply->is_query)
		return r;
	request->reply->is_query = false;
	request->reply->size = 0;
	request->reply->limit = sizeof(body);
	return answer(request, &body, sizeof(body));
}

static int answer_getxattr(struct request *request)
{
	const struct fuse_config *config = &request->connection->config;
	struct span key;

	if (!take_xattr(request) || !request_name(request, &key))
		return -EINVAL;
	return finish_xattr(request,
			    config->handlers->getxattr(config->fs, request->parts.head.nodeid, key,
						       request->reply));
}

static int answer_listxattr(struct request *request)
{
	const struct fuse_config *config = &request->connection->config;

	if (!take_xattr(request))
		return -EINVAL;
	return finish_xattr(request,
			    config->handlers->listxattr(config->fs, request->parts.head.nodeid,
							request->reply));
}

static int answer_statfs(struct request *request)
{
	const struct fuse_config *config = &request->connection->config;
	struct fuse_statfs facts = {0};
	struct abi_statfs_reply body = {0};
	int r;

	r = config->handlers->statfs(config->fs, &facts);
	if (r < 0)
		return r;
	body.blocks = facts.blocks;
	body.files = facts.files;
	body.block_size = facts.block_size;
	body.fragment_size = facts.block_size;
	body.name_max = facts.name_max;
	return answer(request, &body, sizeof(body));
}

static int answer_lseek(struct request *request)
{
	const struct fuse_config *config = &request->connection->config;
	struct abi_lseek_request asked;
	struct abi_lseek_reply body;
	int r;

	if (!config->handlers->lseek)
		return -ENOSYS;
	if (!request_take(request, &asked, sizeof(asked)) || asked.offset > INT64_MAX)
		return -EINVAL;
	r = config->handlers->lseek(config->fs, request->parts.head.nodeid, asked.offset,
				    (int)asked.whence, &body.offset);
	if (r < 0)
		return r;
	return answer(request, &body, sizeof(body));
}

static int answer_nothing(struct request *request)
{
	(void)request;
	return 0;
}

#define ANSWER(function)                               \
	{                                              \
		.answer = (function), .calls_fs = true \
	}
#define ANSWER_NAMED(function, size)                                                               \
	{                                                                                          \
		.answer = (function), .argument_size = (size), .has_names = true, .calls_fs = true \
	}
#define REFUSE(code)             \
	{                        \
		.error = -(code) \
	}
#define SILENT                    \
	{                         \
		.is_silent = true \
	}

static const struct operation operations[OP_COUNT] = {
	[OP_INIT] = {.answer = answer_init},
	[OP_DESTROY] = {.answer = answer_nothing},
	[OP_LOOKUP] = ANSWER_NAMED(answer_lookup, 0),
	[OP_GETATTR] = ANSWER(answer_getattr),
	[OP_READLINK] = ANSWER(answer_readlink),
	[OP_OPEN] = {.answer = answer_open},
	[OP_READ] = ANSWER(answer_read),
	[OP_RELEASE] = {.answer = answer_release},
	[OP_READDIR] = ANSWER(answer_readdir),
	[OP_READDIRPLUS] = ANSWER(answer_readdir),
	[OP_RELEASEDIR] = {.answer = answer_nothing},
	[OP_GETXATTR] = ANSWER_NAMED(answer_getxattr, sizeof(struct abi_xattr_request)),
	[OP_LISTXATTR] = ANSWER(answer_listxattr),
	[OP_STATFS] = ANSWER(answer_statfs),
	[OP_LSEEK] = {.answer = answer_lseek},
	[OP_FORGET] = SILENT,
	[OP_BATCH_FORGET] = SILENT,
	[OP_INTERRUPT] = SILENT, /* no answer takes long enough to be worth breaking off */
	[OP_NOTIFY_REPLY] = SILENT,
	[OP_IOCTL] = REFUSE(ENOTTY),
	[OP_SETATTR] = REFUSE(EROFS),
	[OP_SYMLINK] = REFUSE(EROFS),
	[OP_MKNOD] = REFUSE(EROFS),
	[OP_MKDIR] = REFUSE(EROFS),
	[OP_UNLINK] = REFUSE(EROFS),
	[OP_RMDIR] = REFUSE(EROFS),
	[OP_RENAME] = REFUSE(EROFS),
	[OP_RENAME2] = REFUSE(EROFS),
	[OP_LINK] = REFUSE(EROFS),
	[OP_WRITE] = REFUSE(EROFS),
	[OP_SETXATTR] = REFUSE(EROFS),
	[OP_REMOVEXATTR] = REFUSE(EROFS),
	[OP_CREATE] = REFUSE(EROFS),
	[OP_TMPFILE] = REFUSE(EROFS),
	[OP_FALLOCATE] = REFUSE(EROFS),
	[OP_COPY_FILE_RANGE] = REFUSE(EROFS),
};

const struct operation *operation_of(uint32_t opcode)
{
	static const struct operation unknown = REFUSE(ENOSYS);

	return opcode < OP_COUNT ? &operations[opcode] : &unknown;
}
