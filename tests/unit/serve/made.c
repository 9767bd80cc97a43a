/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "made.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "erofs/writer.h"
#include "tree/dump_read.h"
#include "tree/tree.h"

#define TIME " 1 0 0 0 7.5 "
const char made_dump[] =
	"/ 0 40755 2 0 0 0 7.5 - - - user.overlay.opaque=theirs trusted.foo=bar\n"
	"/acl 3 100644" TIME "- abc - system.posix_acl_access=" MADE_ACL "\n"
	"/d 0 40755 2 0 0 0 8.123456789 - - - user.a=b trusted.overlay.opaque=y\n"
	"/d/wh 0 20644" TIME "- - -\n"
	"/d/ext 5000 100644" TIME "ab/cdef - - user.overlay.metacopy=theirs "
	"user.overlay.overlay.x=1 lustre.x=1 odd=1 trusted.overlay.overlay.deep=2\n"
	"/d/gone 100 100600" TIME "ab/missing - -\n"
	"/d/nameless 100 100600" TIME "- - -\n"
	"/d/outside 100 100644" TIME "../outside - -\n"
	"/d/short 4999 100644" TIME "ab/cdef - -\n"
	"/dev 0 20644 1 0 0 259 7.5 - - -\n"
	"/empty 0 100644" TIME "- - -\n"
	"/fifo 0 10644" TIME "- - -\n"
	"/inline 5 100644" TIME "- hello -\n"
	"/link 0 120777" TIME "inline - - trusted.t=1\n";

static int sink(void *context, struct span bytes, struct diag *why)
{
	(void)why;
	return buf_append_span(context, bytes);
}

void made_open(struct made *made, const char *dump)
{
	const struct erofs_version_range versions = {.min = 1, .max = 1};
	CLEAN(tree_freep) struct tree *tree = NULL;
	struct erofs_written written;
	struct diag why = {0};

	*made = (struct made){0};
	if (dump_read_span(span_of_string(dump), NULL, &tree, &why) < 0 ||
	    erofs_write(tree, versions, sink, &made->bytes, &written, &why) < 0 ||
	    image_open(buf_span(&made->bytes), &made->image, &why) < 0) {
		(void)fprintf(stderr, "made_open: %s\n", why.text);
		abort();
	}
}

void made_release(struct made *made)
{
	buf_release(&made->bytes);
}

void made_objects(int dir_fd)
{
	uint8_t content[MADE_OBJECT_SIZE];
	int fd;

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7 / 3);
	(void)mkdirat(dir_fd, "ab", 0755);
	fd = openat(dir_fd, "ab/cdef", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || fd_write(fd, content, sizeof(content)) < 0)
		abort();
	fd_close(fd);
}

struct fuse_reply *made_reply(size_t limit)
{
	static uint8_t buffer[REPLY_READ_MAX];
	static struct fuse_reply reply;

	reply = (struct fuse_reply){
		.buffer = buffer,
		.capacity = sizeof(buffer),
		.limit = limit < sizeof(buffer) ? limit : sizeof(buffer),
		.part_count = 1,
		.caller_uid = UINT32_MAX,
	};
	return &reply;
}

struct span made_reply_bytes(struct fuse_reply *reply)
{
	static uint8_t bytes[REPLY_READ_MAX];
	size_t size = 0;

	for (uint32_t i = 1; i < reply->part_count; i++) {
		memcpy(bytes + size, reply->parts[i].iov_base, reply->parts[i].iov_len);
		size += reply->parts[i].iov_len;
	}
	return span_of(bytes, size);
}

uint64_t made_nodeid(struct view *view, const char *path)
{
	struct fuse_attributes attributes;
	uint64_t nodeid = 1;

	while (*path) {
		size_t size = strcspn(path, "/");

		if (view_handlers(view)->lookup(view, nodeid, span_of(path, size), &nodeid,
						&attributes) < 0)
			return 0;
		path += size + (path[size] == '/');
	}
	return nodeid;
}
