/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * handles.h - open objects by the handle that the kernel gives back
 *
 * A handle is only a shortcut: it is believed when the slot it names holds an object of that
 * nodeid, and otherwise the caller opens the object again. Opening and closing take the lock;
 * look-ups do not, because the kernel keeps a handle open while it reads through it.
 */
#ifndef LAMINA_SERVE_HANDLES_H
#define LAMINA_SERVE_HANDLES_H

#include <stdint.h>

struct handles;

/* As many as the process may have descriptors, and HANDLES_MAX at most. NULL when out of memory. */
struct handles *handles_new(void);
void handles_free(struct handles *handles); /* closes what is open; NULL is fine */

/* Returns a handle, never 0; fd is taken. 0 when all are in use: fd stays the caller's. */
uint64_t handles_add(struct handles *handles, uint64_t nodeid, int fd);

/* The descriptor, which stays the handles'; -1 when the handle is not of that nodeid. */
int handles_find(struct handles *handles, uint64_t handle, uint64_t nodeid);

/* Close it, if it is of that nodeid. */
void handles_remove(struct handles *handles, uint64_t handle, uint64_t nodeid);

#endif
