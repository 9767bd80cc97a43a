/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "driver.h"

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 64

double seconds_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		err(1, "cannot read the clock");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static char *text_read(const char *file, size_t *ret_size)
{
	FILE *in = fopen(file, "re");
	struct stat st;
	char *text;

	if (!in || fstat(fileno(in), &st) < 0)
		err(1, "cannot open '%s'", file);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		err(1, "cannot hold '%s'", file);
	*ret_size = fread(text, 1, (size_t)st.st_size, in);
	if (ferror(in) || *ret_size != (size_t)st.st_size)
		errx(1, "cannot read '%s'", file);
	text[*ret_size] = '\0';
	fclose(in);
	return text;
}

struct paths paths_read(const char *file)
{
	struct paths paths = {0};
	size_t size, lines = 0;

	paths.text = text_read(file, &size);
	for (size_t i = 0; i < size; i++)
		lines += paths.text[i] == '\n';
	paths.path = calloc(lines ? lines : 1, sizeof(*paths.path));
	if (!paths.path)
		err(1, "cannot hold '%s'", file);
	for (char *line = paths.text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		paths.path[paths.count++] = line;
	}
	if (!paths.count)
		errx(1, "'%s' is empty", file);
	return paths;
}

void paths_release(struct paths *paths)
{
	free(paths->path);
	free(paths->text);
	*paths = (struct paths){0};
}

int root_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err(1, "cannot open '%s'", path);
	return fd;
}

unsigned int number_parse(const char *text, unsigned int max)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || number < 1 || number > max)
		errx(2, "'%s' is not a number from 1 to %u", text, max);
	return (unsigned int)number;
}

pid_t command_start(char **argv)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int r;

	if (posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO))
		errx(1, "cannot prepare the command");
	r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		errx(1, "cannot run '%s': %s", argv[0], strerror(r));
	return pid;
}

void result_print(double seconds, struct tally tally)
{
	printf("{\"seconds\":%.9f,\"count\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", seconds,
	       tally.count, tally.bytes);
	if (fflush(stdout))
		err(1, "cannot write");
}

/* A client: waits until the other end of the start pipe is closed. */
static void client_be(int start, int root, char **path, size_t count, client_work work,
		      struct tally *result)
{
	char byte;

	if (read(start, &byte, 1) != 0)
		_exit(1);
	*result = work(root, path, count);
	_exit(0);
}

static void clients_wait(unsigned int clients)
{
	bool failed = false;

	for (unsigned int i = 0; i < clients; i++) {
		int status;

		if (wait(&status) < 0)
			err(1, "cannot wait");
		failed = failed || status;
	}
	if (failed)
		errx(1, "a client failed");
}

double clients_run(unsigned int clients, int root, struct paths paths, client_work work,
		   struct tally *ret)
{
	struct tally *results;
	size_t part = (paths.count + clients - 1) / clients;
	double begin;
	int start[2];

	if (clients == 1) {
		begin = seconds_now();
		*ret = work(root, paths.path, paths.count);
		return seconds_now() - begin;
	}
	if (clients > CLIENTS_MAX || pipe2(start, O_CLOEXEC) < 0)
		err(1, "cannot start %u clients", clients);
	results = mmap(NULL, clients * sizeof(*results), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED)
		err(1, "cannot share memory");
	for (unsigned int i = 0; i < clients; i++) {
		size_t first = i * part < paths.count ? i * part : paths.count;
		size_t count = paths.count - first < part ? paths.count - first : part;
		pid_t pid = fork();

		if (pid < 0)
			err(1, "cannot fork");
		if (pid == 0) {
			close(start[1]);
			client_be(start[0], root, paths.path + first, count, work, &results[i]);
		}
	}
	begin = seconds_now();
	close(start[1]);
	clients_wait(clients);
	begin = seconds_now() - begin;
	for (unsigned int i = 0; i < clients; i++) {
		ret->count += results[i].count;
		ret->bytes += results[i].bytes;
	}
	close(start[0]);
	munmap(results, clients * sizeof(*results));
	return begin;
}

int paths_main(int argc, char **argv, client_work work)
{
	struct tally tally = {0};
	struct paths paths;
	double seconds;
	int root;

	if (argc != 3 && argc != 4)
		errx(2, "usage: %s ROOT LIST [CLIENTS]", argv[0]);
	root = root_open(argv[1]);
	paths = paths_read(argv[2]);
	seconds = clients_run(argc == 4 ? number_parse(argv[3], 64) : 1, root, paths, work, &tally);
	result_print(seconds, tally);
	paths_release(&paths);
	return 0;
}
