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
	struct tally tally = {0};
	struct paths paths;
	double seconds;
	int root;

	if (argc != 3 && argc != 4)
		errx(2, "usage: readall ROOT LIST [CLIENTS]");
	root = root_open(argv[1]);
	paths = paths_read(argv[2]);
	seconds = clients_run(argc == 4 ? number_parse(argv[3], 64) : 1, root, paths, read_all,
			      &tally);
	result_print(seconds, tally);
	paths_release(&paths);
	return 0;
}
