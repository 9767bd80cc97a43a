/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * attributes.h - the words of mount(8) that are about a mount, not about a file system
 */
#ifndef LAMINA_CLI_ATTRIBUTES_H
#define LAMINA_CLI_ATTRIBUTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/*
 * Set or clear in *attributes (MOUNT_ATTR_*) what the word says: "nosuid" sets, "suid" clears what
 * was set before. Returns false, and changes nothing, for a word that is none.
 */
bool attribute_apply(struct span word, uint64_t *attributes);

#endif
