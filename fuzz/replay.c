/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * replay.c - run a fuzz target over its corpus, as an ordinary test
 *
 * Fails when the corpus is empty: a replay of nothing proves nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t size = 0, got;
	uint8_t *exact, *data = malloc(64 << 20);

	if (!file || !data) {
		perror(path);
		exit(1);
	}
	while ((got = fread(data + size, 1, (64u << 20) - size, file)) > 0)
		size += got;
	(void)fclose(file);
	/* Its own allocation of the exact size, so that a sanitizer sees the first byte too far. */
	exact = malloc(size ? size : 1);
	if (!exact)
		exit(1);
	memcpy(exact, data, size);
	free(data);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 1;
}

int main(int argc, char **argv)
{
	size_t count = 0;

	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *entry;
		char path[4096];

		if (!dir) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(dir))) {
			if (entry->d_name[0] == '.')
				continue;
			(void)snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			count += (size_t)replay_file(path);
		}
		(void)closedir(dir);
	}
	(void)printf("%zu inputs replayed\n", count);
	return count == 0;
}
