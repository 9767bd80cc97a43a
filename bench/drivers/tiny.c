/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "tiny.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOREVER_S 3600

struct reply {
	struct fuse_out_header head;
	union {
		struct fuse_init_out init;
		struct fuse_entry_out entry;
		struct fuse_attr_out attr;
	} body;
};

static struct fuse_attr attr_of(uint64_t node, uint64_t file_size)
{
	bool is_root = node == FUSE_ROOT_ID;

	return (struct fuse_attr){.ino = node,
				  .size = is_root ? 0 : file_size,
				  .mode = is_root ? S_IFDIR | 0755 : S_IFREG | 0644,
				  .nlink = 1};
}

/* Gives the size of the body. Names stay known; attributes are asked for each time. */
static size_t answer(const struct tiny *tiny, const char *request, struct reply *reply)
{
	struct fuse_in_header in;

	memcpy(&in, request, sizeof(in));
	*reply = (struct reply){.head.unique = in.unique};
	switch (in.opcode) {
	case FUSE_INIT:
		reply->body.init = (struct fuse_init_out){.major = FUSE_KERNEL_VERSION,
							  .minor = 31,
							  .flags = FUSE_ASYNC_READ,
							  .max_readahead = tiny->readahead,
							  .max_write = 65536,
							  .max_background = 64};
		return sizeof(reply->body.init);
	case FUSE_LOOKUP:
		reply->body.entry.nodeid = (uint64_t)(2 + request[sizeof(in)] - '0');
		reply->body.entry.entry_valid = FOREVER_S;
		reply->body.entry.attr = attr_of(reply->body.entry.nodeid, tiny->file_size);
		return sizeof(reply->body.entry);
	case FUSE_GETATTR:
		reply->body.attr.attr = attr_of(in.nodeid, tiny->file_size);
		return sizeof(reply->body.attr);
	default:
		reply->head.error = -ENOSYS;
		return 0;
	}
}

bool tiny_step(const struct tiny *tiny, int fd, char *buffer, void *context)
{
	ssize_t size = read(fd, buffer, TINY_BUFFER_SIZE);
	struct fuse_in_header in;
	struct reply reply;

	if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOENT))
		return false;
	if (size < (ssize_t)sizeof(in))
		pthread_exit(NULL);
	memcpy(&in, buffer, sizeof(in));
	if (in.opcode == FUSE_FORGET || in.opcode == FUSE_BATCH_FORGET ||
	    in.opcode == FUSE_INTERRUPT)
		return true;
	if (in.opcode == FUSE_READ && tiny->read) {
		struct fuse_read_in asked;

		memcpy(&asked, buffer + sizeof(in), sizeof(asked));
		tiny->read(context, fd, in.unique, &asked);
		return true;
	}
	reply.head.len = (uint32_t)(sizeof(reply.head) + answer(tiny, buffer, &reply));
	reply.head.len = reply.head.error ? sizeof(reply.head) : reply.head.len;
	if (write(fd, &reply, reply.head.len) < 0 && errno != ENOENT)
		pthread_exit(NULL);
	return true;
}

int tiny_mount(const char *path, const struct tiny *tiny)
{
	static char buffer[TINY_BUFFER_SIZE];
	char options[128];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	(void)mkdir(path, 0755);
	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || mount("tiny", path, "fuse.tiny", 0, options) < 0)
		err(1, "cannot mount at '%s'", path);
	(void)tiny_step(tiny, fd, buffer, NULL); /* FUSE_INIT */
	return fd;
}

void tiny_unmount(const char *path)
{
	(void)umount2(path, MNT_DETACH);
	(void)rmdir(path);
}
