/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * driver.h - what every driver of the bench shares: a clock, lists of paths, clients, one line out
 *
 * A driver does one thing with a mounted tree, times only that, and prints one JSON object:
 * {"seconds":…, "count":…, "bytes":…}. Any failure ends it with a line on stderr and status 1.
 */
#ifndef LAMINA_BENCH_DRIVER_H
#define LAMINA_BENCH_DRIVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tally {
	uint64_t count;
	uint64_t bytes;
};

/* Lines of a file. */
struct paths {
	char *text;  /* owned, what path points into */
	char **path; /* owned */
	size_t count;
};

double seconds_now(void);
struct paths paths_read(const char *file);
void paths_release(struct paths *paths);

/* Open a directory to look up from. */
int root_open(const char *path);

/* The number that a text is, from 1 to max. */
unsigned int number_parse(const char *text, unsigned int max);

/* Start a command, found in $PATH, that prints on stderr what it prints. Returns its pid. */
pid_t command_start(char **argv);

void result_print(double seconds, struct tally tally);

/*
 * Let clients processes work on disjoint, adjacent parts of the list, started together. Returns
 * the seconds from the start to the end of the last one; 1 client is this process itself.
 */
typedef struct tally (*client_work)(int root, char **path, size_t count);
double clients_run(unsigned int clients, int root, struct paths paths, client_work work,
		   struct tally *ret);

/* The main() of a driver called with ROOT LIST [CLIENTS], whose clients do that work. */
int paths_main(int argc, char **argv, client_work work);

#endif
