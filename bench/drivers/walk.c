/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * walk ROOT: read every directory and stat every entry, as find -ls and du do
 */
#include "driver.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 200 /* each level holds a descriptor, of usually 1024 */

/* The tree is the bench's own, so its depth is known. The descriptor is taken. */
static uint64_t walk(int fd, unsigned int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	uint64_t count = 0;

	if (!dir || depth > DEPTH_MAX)
		err(1, "cannot read a directory");
	while ((entry = readdir(dir))) {
		struct stat st;
		int child;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			err(1, "cannot stat '%s'", entry->d_name);
		count++;
		if (!S_ISDIR(st.st_mode))
			continue;
		child = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (child < 0)
			err(1, "cannot open '%s'", entry->d_name);
		count += walk(child, depth + 1);
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	struct tally tally = {0};
	double begin;

	if (argc != 2)
		errx(2, "usage: walk ROOT");
	begin = seconds_now();
	tally.count = walk(root_open(argv[1]), 0);
	result_print(seconds_now() - begin, tally);
	return 0;
}
