/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Which way from a file to the kernel's READ is the shortest (docs/decisions/0022): the smallest
 * server (tiny.h) that serves FILE, two threads of it that take what comes, and a client that reads
 * all of it that often, each time with the mount's pages dropped and those of FILE cached.
 *
 *   bench-reading pread|map|splice|move FILE PASSES KIB     KIB at a time, up to 128; as root, or
 * of a user and mount namespace
 *
 *   pread   pread(2) into a buffer of the thread, writev(2) from there
 *   map     writev(2) from a mapping of FILE
 *   splice  splice(2) from FILE into a pipe, and on
 *   move    the same, with SPLICE_F_MOVE
 */
#include "driver.h"
#include "tiny.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 2
#define PASSES_MAX 1000
#define PIPE_SIZE (1 << 20)
#define FOLDER "/tmp/bench-reading"

enum way { WAY_PREAD, WAY_MAP, WAY_SPLICE, WAY_MOVE, WAY_COUNT };

static const char *const way_names[] = {"pread", "map", "splice", "move"};

static struct {
	struct tiny tiny;
	enum way way;
	int file;
	const char *map;
	int device;
} server;

struct own {
	int pipe[2];
	char data[TINY_BUFFER_SIZE];
};

static void reply_from(int fd, uint64_t unique, const void *data, size_t size)
{
	struct fuse_out_header head = {.len = (uint32_t)(sizeof(head) + size), .unique = unique};
	struct iovec parts[] = {{&head, sizeof(head)}, {(void *)(uintptr_t)data, size}};

	if (writev(fd, parts, 2) < 0 && errno != ENOENT)
		err(1, "cannot reply");
}

static void reply_spliced(const struct own *own, int fd, uint64_t unique, uint64_t offset,
			  size_t size)
{
	struct fuse_out_header head = {.len = (uint32_t)(sizeof(head) + size), .unique = unique};
	unsigned int flags = server.way == WAY_MOVE ? SPLICE_F_MOVE : 0;
	loff_t at = (loff_t)offset;

	if (write(own->pipe[1], &head, sizeof(head)) != sizeof(head))
		err(1, "cannot write to the pipe");
	for (size_t left = size; left > 0;) {
		ssize_t got = splice(server.file, &at, own->pipe[1], NULL, left, flags);

		if (got <= 0)
			err(1, "cannot splice from the file");
		left -= (size_t)got;
	}
	if (splice(own->pipe[0], NULL, fd, NULL, head.len, flags) != (ssize_t)head.len)
		err(1, "cannot splice to the device");
}

static void read_file(void *context, int fd, uint64_t unique, const struct fuse_read_in *asked)
{
	struct own *own = context;
	uint64_t left =
		asked->offset < server.tiny.file_size ? server.tiny.file_size - asked->offset : 0;
	size_t size = left < asked->size ? (size_t)left : asked->size;

	switch (server.way) {
	case WAY_PREAD:
		if (size > sizeof(own->data) ||
		    pread(server.file, own->data, size, (off_t)asked->offset) != (ssize_t)size)
			err(1, "cannot read the file");
		reply_from(fd, unique, own->data, size);
		break;
	case WAY_MAP:
		reply_from(fd, unique, server.map + asked->offset, size);
		break;
	default:
		reply_spliced(own, fd, unique, asked->offset, size);
		break;
	}
}

static void *serve(void *argument)
{
	static _Thread_local char buffer[TINY_BUFFER_SIZE];
	static _Thread_local struct own own;

	(void)argument;
	if (pipe2(own.pipe, O_CLOEXEC) < 0 || fcntl(own.pipe[1], F_SETPIPE_SZ, PIPE_SIZE) < 0)
		err(1, "cannot make a pipe");
	for (;;)
		(void)tiny_step(&server.tiny, server.device, buffer, &own);
	return NULL;
}

static double read_all(void)
{
	static char buffer[TINY_BUFFER_SIZE];
	int fd = open(FOLDER "/0", O_RDONLY | O_CLOEXEC);
	uint64_t sum = 0;
	double begin;
	ssize_t got;

	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		err(1, "cannot open the file that is served");
	begin = seconds_now();
	while ((got = read(fd, buffer, server.tiny.readahead)) > 0)
		sum += (uint64_t)got;
	if (got < 0 || sum != server.tiny.file_size)
		err(1, "cannot read the file that is served");
	begin = seconds_now() - begin;
	close(fd);
	return begin;
}

static void client(unsigned int passes)
{
	double seconds = 0;

	(void)read_all();
	for (unsigned int i = 0; i < passes; i++)
		seconds += read_all();
	result_print(seconds,
		     (struct tally){.count = passes, .bytes = passes * server.tiny.file_size});
	(void)fflush(stdout);
	_exit(EXIT_SUCCESS);
}

int main(int argc, char **argv)
{
	unsigned int passes = argc == 5 ? number_parse(argv[3], PASSES_MAX) : 0;
	pthread_t thread;
	struct stat st;
	int status;

	server.way = WAY_COUNT;
	for (int i = 0; argc == 5 && i < WAY_COUNT; i++)
		server.way = strcmp(argv[1], way_names[i]) == 0 ? (enum way)i : server.way;
	if (server.way == WAY_COUNT)
		errx(2, "usage: bench-reading pread|map|splice|move FILE PASSES KIB");
	server.file = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (server.file < 0 || fstat(server.file, &st) < 0)
		err(1, "cannot open '%s'", argv[2]);
	server.tiny.file_size = (uint64_t)st.st_size;
	server.map = mmap(NULL, server.tiny.file_size, PROT_READ, MAP_SHARED, server.file, 0);
	if (server.map == MAP_FAILED)
		err(1, "cannot map '%s'", argv[2]);
	server.tiny.readahead = number_parse(argv[4], TINY_BUFFER_SIZE >> 10) << 10;
	server.tiny.read = read_file;
	server.device = tiny_mount(FOLDER, &server.tiny);
	for (int i = 0; i < THREADS; i++) {
		if (pthread_create(&thread, NULL, serve, NULL))
			errx(1, "cannot start a thread");
	}
	if (fork() == 0)
		client(passes);
	if (wait(&status) < 0 || status)
		errx(1, "the client failed");
	tiny_unmount(FOLDER);
	_exit(EXIT_SUCCESS); /* the threads are not waited for */
}
