/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * onefile sequential|random|mmap PASSES cached|uncached FILE [BELOW...]
 *
 * Reads one large file that often. "cached" reads it once before the clock starts; "uncached" drops
 * the pages of FILE and of the files BELOW, which it is made of, before each pass: by
 * posix_fadvise(POSIX_FADV_DONTNEED), which needs no privilege and leaves everything else cached.
 */
#include "driver.h"

#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RANDOM_SIZE 4096
#define RANDOM_READS 4000

static char buffer[128 << 10];

static struct tally read_sequential(int fd, uint64_t size_bytes)
{
	struct tally tally = {0};
	ssize_t got;

	while ((got = pread(fd, buffer, sizeof(buffer), (off_t)tally.bytes)) > 0) {
		tally.bytes += (uint64_t)got;
		tally.count++;
	}
	if (got < 0 || tally.bytes != size_bytes)
		err(1, "cannot read the file");
	return tally;
}

/* The same places each time: what is compared is the mounts, not the luck. */
static struct tally read_random(int fd, uint64_t size_bytes)
{
	struct tally tally = {.count = RANDOM_READS, .bytes = RANDOM_READS * RANDOM_SIZE};
	uint64_t state = 88172645463325252;

	for (unsigned int i = 0; i < RANDOM_READS; i++) {
		state ^= state << 13; /* xorshift64 */
		state ^= state >> 7;
		state ^= state << 17;
		if (pread(fd, buffer, RANDOM_SIZE,
			  (off_t)(state % (size_bytes / RANDOM_SIZE) * RANDOM_SIZE)) != RANDOM_SIZE)
			err(1, "cannot read the file");
	}
	return tally;
}

static struct tally read_mmap(int fd, uint64_t size_bytes)
{
	struct tally tally = {.count = size_bytes / 64, .bytes = size_bytes};
	unsigned char *map = mmap(NULL, size_bytes, PROT_READ, MAP_SHARED, fd, 0);
	volatile unsigned char sum = 0;

	if (map == MAP_FAILED)
		err(1, "cannot map the file");
	for (uint64_t i = 0; i < size_bytes; i += 64) /* one byte a cache line */
		sum = (unsigned char)(sum + map[i]);
	munmap(map, size_bytes);
	return tally;
}

static void cache_drop(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		err(1, "cannot open '%s'", path);
	(void)fdatasync(fd); /* only clean pages go; a FUSE server may not know the call */
	r = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (r)
		errx(1, "cannot drop the pages of '%s': %s", path, strerror(r));
	close(fd);
}

int main(int argc, char **argv)
{
	struct tally (*pass)(int, uint64_t) = NULL;
	struct tally tally = {0};
	double seconds = 0;
	unsigned int passes;
	struct stat st;
	bool cached;
	int fd;

	if (argc < 5)
		errx(2, "usage: onefile sequential|random|mmap PASSES cached|uncached FILE "
			"[BELOW...]");
	pass = !strcmp(argv[1], "sequential") ? read_sequential : pass;
	pass = !strcmp(argv[1], "random") ? read_random : pass;
	pass = !strcmp(argv[1], "mmap") ? read_mmap : pass;
	passes = number_parse(argv[2], 1000);
	cached = !strcmp(argv[3], "cached");
	fd = open(argv[4], O_RDONLY | O_CLOEXEC);
	if (!pass || fd < 0 || fstat(fd, &st) < 0 || st.st_size < RANDOM_SIZE)
		err(1, "cannot open '%s', or no such way to read it", argv[4]);
	if (cached)
		(void)read_sequential(fd, (uint64_t)st.st_size);
	for (unsigned int i = 0; i < passes; i++) {
		struct tally one;
		double begin;

		for (int file = 4; !cached && file < argc; file++)
			cache_drop(argv[file]);
		begin = seconds_now();
		one = pass(fd, (uint64_t)st.st_size);
		seconds += seconds_now() - begin;
		tally.count += one.count;
		tally.bytes += one.bytes;
	}
	result_print(seconds, tally);
	return 0;
}
