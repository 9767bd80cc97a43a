/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fake.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuse/reply.h"

const uint8_t fake_content[FAKE_SIZE] = {[0] = 'a', [FAKE_SIZE - 1] = 'z'};

static const struct fuse_attributes file_attributes = {
	.ino = 2,
	.size = FAKE_SIZE,
	.mtime_sec = -5,
	.mtime_nsec = 7,
	.mode = S_IFREG | 0644,
	.nlink = 3,
	.uid = 4,
	.gid = 5,
};

static int fake_getattr(void *fs, uint64_t nodeid, struct fuse_attributes *ret)
{
	(void)fs;
	if (nodeid != 1 && nodeid != 2)
		return -ESTALE;
	*ret = file_attributes;
	if (nodeid == 1)
		ret->mode = S_IFDIR | 0755;
	return 0;
}

static int fake_lookup(void *fs, uint64_t parent, struct span name, uint64_t *ret_nodeid,
		       struct fuse_attributes *ret)
{
	if (parent != 1)
		return -ENOTDIR;
	if (!span_starts_with(name, SPAN_LITERAL("entry-")))
		return -ENOENT;
	*ret_nodeid = 2;
	return fake_getattr(fs, 2, ret);
}

static int fake_readlink(void *fs, uint64_t nodeid, struct span *ret)
{
	(void)fs;
	*ret = SPAN_LITERAL("target");
	return nodeid == 2 ? 0 : -EINVAL;
}

/* Counts in *fs, when there is one. */
static int fake_open(void *fs, uint64_t nodeid, int *ret_fd)
{
	uint64_t *count = fs;

	if (count)
		++*count;
	*ret_fd = -1;
	return nodeid == 2 ? 0 : -EISDIR;
}

static int fake_find(void *fs, uint64_t nodeid, struct fuse_reply *reply)
{
	int fd;

	(void)reply;
	return nodeid == FAKE_LAST ? -ENOSYS : fake_open(fs, nodeid, &fd);
}

static int fake_read(void *fs, uint64_t nodeid, uint64_t offset, size_t size,
		     struct fuse_reply *reply)
{
	struct span part = span_of(fake_content, sizeof(fake_content));

	(void)fs;
	if (nodeid != 2)
		return -1000; /* what the kernel would not take */
	if (!span_from(part, offset, &part))
		return 0;
	if (part.size > size)
		part.size = size;
	return reply_span(reply, part);
}

static int fake_readdir(void *fs, uint64_t nodeid, uint64_t position, bool plus,
			struct fuse_reply *reply)
{
	if (nodeid != 1)
		return -ENOTDIR;
	for (; position < FAKE_ENTRIES; position++) {
		char name[32];
		struct fuse_dirent entry = {.ino = 2, .next = position + 1, .type = DT_REG};

		(void)snprintf(name, sizeof(name), "entry-%03u", (unsigned int)position);
		entry.name = span_of_string(name);
		entry.nodeid = 2;
		(void)fake_getattr(fs, 2, &entry.attributes);
		if (!reply_dirent(reply, plus, &entry))
			break;
	}
	return 0;
}

static int fake_getxattr(void *fs, uint64_t nodeid, struct span key, struct fuse_reply *reply)
{
	(void)fs;
	if (nodeid != 2)
		return -ENOSYS;
	if (!span_equal(key, SPAN_LITERAL("user.a")))
		return -ENODATA;
	return reply_span(reply, SPAN_LITERAL("value"));
}

static int fake_listxattr(void *fs, uint64_t nodeid, struct fuse_reply *reply)
{
	(void)fs;
	(void)nodeid;
	return reply_copy(reply, span_of("user.a", 7));
}

static int fake_statfs(void *fs, struct fuse_statfs *ret)
{
	(void)fs;
	*ret = (struct fuse_statfs){.blocks = 12, .files = 34, .block_size = 4096, .name_max = 255};
	return 0;
}

const struct fuse_handlers fake_handlers = {
	.lookup = fake_lookup,
	.getattr = fake_getattr,
	.readlink = fake_readlink,
	.open = fake_open,
	.find = fake_find,
	.read = fake_read,
	.readdir = fake_readdir,
	.getxattr = fake_getxattr,
	.listxattr = fake_listxattr,
	.statfs = fake_statfs,
};

void request_append(struct buf *buf, enum abi_opcode opcode, uint64_t unique, uint64_t nodeid,
		    const void *arguments, size_t size, const char *name)
{
	size_t name_size = name ? strlen(name) + 1 : 0;
	struct abi_request head = {
		.size = (uint32_t)(sizeof(head) + size + name_size),
		.opcode = opcode,
		.unique = unique,
		.nodeid = nodeid,
	};

	if (buf_append(buf, &head, sizeof(head)) < 0 ||
	    (size && buf_append(buf, arguments, size) < 0) ||
	    (name && buf_append(buf, name, name_size) < 0))
		abort();
}

void init_append(struct buf *buf, uint32_t minor, uint64_t flags)
{
	struct abi_init_request init = {
		.major = 7,
		.minor = minor,
		.max_readahead = 131072,
		.flags = (uint32_t)flags,
		.flags2 = (uint32_t)(flags >> 32),
	};

	request_append(buf, OP_INIT, 1, 0, &init,
		       minor < 36 ? ABI_INIT_REQUEST_SIZE_MIN : sizeof(init), NULL);
}
