/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * readall ROOT LIST [CLIENTS]: open, read to the end and close every file of the list
 */
#include "driver.h"

#include <err.h>
#include <fcntl.h>
#include <unistd.h>

static struct tally read_all(int root, char **path, size_t count)
{
	static char buffer[128 << 10]; /* what cp and cat take at a time */
	struct tally tally = {.count = count};

	for (size_t i = 0; i < count; i++) {
		int fd = openat(root, path[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		ssize_t got;

		if (fd < 0)
			err(1, "cannot open '%s'", path[i]);
		while ((got = read(fd, buffer, sizeof(buffer))) > 0)
			tally.bytes += (uint64_t)got;
		if (got < 0)
			err(1, "cannot read '%s'", path[i]);
		close(fd);
	}
	return tally;
}

int main(int argc, char **argv)
{
	return paths_main(argc, argv, read_all);
}
