/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * random_tree.h - trees that nobody would make by hand, the same for the same seed
 */
#ifndef LAMINA_TESTS_SERVE_RANDOM_TREE_H
#define LAMINA_TESTS_SERVE_RANDOM_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tree/tree.h"

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);
uint32_t random_below(struct random *random, uint32_t limit); /* limit is not 0 */
bool random_chance(struct random *random, uint32_t percent);

/* The objects that external files of the trees may have. */
struct random_object {
	const char *path;
	uint64_t size;
};

#define RANDOM_OBJECTS 5
extern const struct random_object random_objects[RANDOM_OBJECTS];

uint8_t random_object_byte(size_t object, uint64_t offset);

/* Write them below directory fd. */
void random_objects_make(int dir_fd);

/*
 * A sorted tree: directories wide (several blocks of entries) and deep, every kind of file, hard
 * links, whiteouts, xattrs of every prefix and the overlay's own, names up to 255 bytes. Files
 * without content name one of the objects, none, or one that is not there.
 */
struct tree *random_tree(struct random *random);

#endif
