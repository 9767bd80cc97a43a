/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * complaints.h - what is wrong with objects, said once each
 */
#ifndef LAMINA_SERVE_COMPLAINTS_H
#define LAMINA_SERVE_COMPLAINTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define COMPLAINTS_MAX 256 /* different objects; a store that lost more needs another tool */

/* All zero when nothing was said yet. */
struct complaints {
	_Atomic uint64_t nodeids[COMPLAINTS_MAX];
};

/* Whether to say something about nodeid: true the first time, as long as there is room. */
bool complaints_first(struct complaints *complaints, uint64_t nodeid);

#endif
