/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * dispatch.c - one function an opcode
 *
 * The request is checked here; handlers see names without slash and NUL, and sizes within the
 * reply.
 */
#include <errno.h>
#include <string.h>

#include "fuse/session_private.h"
#include "fuse/wire.h"

int call_arguments(const struct fuse_call *call, void *ret, size_t size)
{
	if (call->arguments.size < size)
		return -EINVAL;
	memcpy(ret, call->arguments.data, size);
	return 0;
}

int call_answer(struct fuse_call *call, const void *record, size_t size)
{
	return reply_bytes(&call->reply, span_of(record, size));
}

/* The NUL-terminated string offset bytes into the arguments, of 1 to NAME_MAX bytes. */
static int call_name(const struct fuse_call *call, size_t offset, struct span *ret)
{
	struct span rest;
	const uint8_t *end;

	if (!span_from(call->arguments, offset, &rest) || rest.size == 0)
		return -EINVAL;
	end = memchr(rest.data, '\0', rest.size);
	if (!end || end == rest.data)
		return -EINVAL;
	rest.size = (size_t)(end - rest.data);
	if (rest.size > 255)
		return -ENAMETOOLONG;
	*ret = rest;
	return 0;
}

static const struct fuse_handlers *handlers(const struct fuse_call *call)
{
	return call->session->config.handlers;
}

static void *fs(const struct fuse_call *call)
{
	return call->session->config.fs;
}

static int do_lookup(struct fuse_call *call)
{
	struct fuse_attributes attributes;
	struct abi_entry_out out = {.entry_valid = WIRE_FOREVER};
	struct span name;
	uint64_t nodeid;
	int r;

	r = call_name(call, 0, &name);
	if (r < 0)
		return r;
	if (memchr(name.data, '/', name.size))
		return -EINVAL;
	r = handlers(call)->lookup(fs(call), call->header.nodeid, name, &nodeid, &attributes);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		out = wire_entry(nodeid, &attributes);
	/* An entry of nodeid 0 says ENOENT and lets the kernel remember it. */
	return call_answer(call, &out, sizeof(out));
}

static int do_getattr(struct fuse_call *call)
{
	struct fuse_attributes attributes;
	struct abi_attr_out out = {.attr_valid = WIRE_FOREVER};
	int r;

	r = handlers(call)->getattr(fs(call), call->header.nodeid, &attributes);
	if (r < 0)
		return r;
	out.attr = wire_attr(&attributes);
	return call_answer(call, &out, sizeof(out));
}

static int do_readlink(struct fuse_call *call)
{
	struct span target;
	int r;

	r = handlers(call)->readlink(fs(call), call->header.nodeid, &target);
	return r < 0 ? r : reply_span(&call->reply, target);
}

static int do_open(struct fuse_call *call)
{
	struct abi_open_out out = {.open_flags = ABI_OPEN_KEEP_CACHE};
	int r;

	if (!call->session->config.opens_files)
		return -ENOSYS; /* the kernel does not ask again, nor for RELEASE */
	r = handlers(call)->open(fs(call), call->header.nodeid, &out.fh);
	return r < 0 ? r : call_answer(call, &out, sizeof(out));
}

static int do_release(struct fuse_call *call)
{
	struct abi_release_in in;
	int r;

	r = call_arguments(call, &in, sizeof(in));
	if (r < 0)
		return r;
	if (call->session->config.opens_files)
		handlers(call)->release(fs(call), call->header.nodeid, in.fh);
	return 0;
}

/* Bound the reply by what the kernel has room for. */
static int limit_reply(struct fuse_call *call, uint32_t size)
{
	if (size < call->reply.limit)
		call->reply.limit = size;
	return 0;
}

static int do_read(struct fuse_call *call)
{
	struct abi_read_in in;
	int r;

	r = call_arguments(call, &in, sizeof(in));
	if (r < 0)
		return r;
	(void)limit_reply(call, in.size);
	return handlers(call)->read(fs(call), call->header.nodeid, in.fh, in.offset,
				    call->reply.limit, &call->reply);
}

static int list_directory(struct fuse_call *call, bool plus)
{
	struct abi_read_in in;
	int r;

	r = call_arguments(call, &in, sizeof(in));
	if (r < 0)
		return r;
	(void)limit_reply(call, in.size);
	return handlers(call)->readdir(fs(call), call->header.nodeid, in.offset, plus,
				       &call->reply);
}

static int do_readdir(struct fuse_call *call)
{
	return list_directory(call, false);
}

static int do_readdirplus(struct fuse_call *call)
{
	return list_directory(call, true);
}

/* Size 0 asks how much there is; else what there is, or -ERANGE when it is more than size. */
static int xattr_prepare(struct fuse_call *call, struct abi_getxattr_in *ret)
{
	int r = call_arguments(call, ret, sizeof(*ret));

	if (r < 0)
		return r;
	call->reply.counts_only = ret->size == 0;
	if (ret->size)
		(void)limit_reply(call, ret->size);
	return 0;
}

static int xattr_finish(struct fuse_call *call)
{
	struct abi_getxattr_out out = {.size = (uint32_t)call->reply.size};

	if (!call->reply.counts_only)
		return 0;
	call->reply.counts_only = false;
	call->reply.size = 0;
	return call_answer(call, &out, sizeof(out));
}

static int do_getxattr(struct fuse_call *call)
{
	struct abi_getxattr_in in;
	struct span key;
	int r;

	r = xattr_prepare(call, &in);
	if (r == 0)
		r = call_name(call, sizeof(in), &key);
	if (r == 0)
		r = handlers(call)->getxattr(fs(call), call->header.nodeid, key, &call->reply);
	return r < 0 ? r : xattr_finish(call);
}

static int do_listxattr(struct fuse_call *call)
{
	struct abi_getxattr_in in;
	int r;

	r = xattr_prepare(call, &in);
	if (r == 0)
		r = handlers(call)->listxattr(fs(call), call->header.nodeid, &call->reply);
	return r < 0 ? r : xattr_finish(call);
}

static int do_statfs(struct fuse_call *call)
{
	struct fuse_statfs facts;
	struct abi_statfs_out out = {0};
	int r;

	r = handlers(call)->statfs(fs(call), &facts);
	if (r < 0)
		return r;
	out.blocks = facts.blocks;
	out.files = facts.files;
	out.bsize = facts.block_size;
	out.frsize = facts.block_size;
	out.namelen = 255;
	return call_answer(call, &out, sizeof(out));
}

/* Nothing is remembered about what the kernel knows. */
static int do_nothing(struct fuse_call *call)
{
	(void)call;
	return NO_REPLY;
}

static int do_destroy(struct fuse_call *call)
{
	(void)call;
	return 0;
}

static int refuse_change(struct fuse_call *call)
{
	(void)call;
	return -EROFS;
}

static int refuse_ioctl(struct fuse_call *call)
{
	(void)call;
	return -ENOTTY;
}

/* What is not here is answered ENOSYS, which the kernel remembers where that is useful. */
static int (*const opcodes[ABI_OPCODE_COUNT])(struct fuse_call *call) = {
	[ABI_LOOKUP] = do_lookup,
	[ABI_FORGET] = do_nothing,
	[ABI_GETATTR] = do_getattr,
	[ABI_SETATTR] = refuse_change,
	[ABI_READLINK] = do_readlink,
	[ABI_SYMLINK] = refuse_change,
	[ABI_MKNOD] = refuse_change,
	[ABI_MKDIR] = refuse_change,
	[ABI_UNLINK] = refuse_change,
	[ABI_RMDIR] = refuse_change,
	[ABI_RENAME] = refuse_change,
	[ABI_LINK] = refuse_change,
	[ABI_OPEN] = do_open,
	[ABI_READ] = do_read,
	[ABI_WRITE] = refuse_change,
	[ABI_STATFS] = do_statfs,
	[ABI_RELEASE] = do_release,
	[ABI_SETXATTR] = refuse_change,
	[ABI_GETXATTR] = do_getxattr,
	[ABI_LISTXATTR] = do_listxattr,
	[ABI_REMOVEXATTR] = refuse_change,
	[ABI_INIT] = fuse_init,
	[ABI_READDIR] = do_readdir,
	[ABI_CREATE] = refuse_change,
	[ABI_INTERRUPT] = do_nothing, /* no request takes long enough to be worth it */
	[ABI_DESTROY] = do_destroy,
	[ABI_IOCTL] = refuse_ioctl,
	[ABI_BATCH_FORGET] = do_nothing,
	[ABI_FALLOCATE] = refuse_change,
	[ABI_READDIRPLUS] = do_readdirplus,
	[ABI_RENAME2] = refuse_change,
	[ABI_COPY_FILE_RANGE] = refuse_change,
	[ABI_TMPFILE] = refuse_change,
};

int fuse_dispatch(struct fuse_call *call, struct span request)
{
	size_t extensions;

	if (request.size < sizeof(call->header))
		return NO_REPLY; /* nobody to answer */
	memcpy(&call->header, request.data, sizeof(call->header));
	if (call->header.len != request.size)
		return -EIO;
	(void)span_from(request, sizeof(call->header), &call->arguments);
	extensions = (size_t)call->header.total_extlen * 8;
	if (extensions > call->arguments.size)
		return -EIO;
	call->arguments.size -= extensions;
	if (call->header.opcode >= ABI_OPCODE_COUNT || !opcodes[call->header.opcode])
		return -ENOSYS;
	/* Before INIT nothing else is agreed on, after it there is nothing left to agree on. */
	if (call->session->is_ready == (call->header.opcode == ABI_INIT))
		return -EIO;
	return opcodes[call->header.opcode](call);
}
