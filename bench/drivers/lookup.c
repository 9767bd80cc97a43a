/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lookup ROOT LIST [CLIENTS]: lstat every path of the list; one that is not there is an answer, too
 *
 * "count" is the paths asked for, "bytes" how many of them were there.
 */
#include "driver.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static struct tally lookup(int root, char **path, size_t count)
{
	struct tally tally = {.count = count};
	struct stat st;

	for (size_t i = 0; i < count; i++) {
		if (!fstatat(root, path[i], &st, AT_SYMLINK_NOFOLLOW))
			tally.bytes++;
		else if (errno != ENOENT)
			err(1, "cannot stat '%s'", path[i]);
	}
	return tally;
}

int main(int argc, char **argv)
{
	return paths_main(argc, argv, lookup);
}
