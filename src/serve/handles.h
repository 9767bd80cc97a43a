/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * handles.h - open objects, by the numbers that the kernel gives back
 *
 * A handle is a descriptor in its low half and a count of openings in its high half, so a stale one
 * is told from its successor with the same descriptor. A handle is a hint: what it names can be
 * opened anew from the nodeid. No locks: a descriptor is unique in the process, so its slot has one
 * owner.
 */
#ifndef LAMINA_SERVE_HANDLES_H
#define LAMINA_SERVE_HANDLES_H

#include <stdint.h>

struct handles;

#define HANDLE_NONE 0

int handles_new(struct handles **ret);
void handles_free(struct handles *handles); /* closes what is open; NULL is fine */

/* fd is taken on success. Returns 0, or -ENFILE for a descriptor beyond RLIMIT_NOFILE's hard limit.
 */
int handles_add(struct handles *handles, int fd, uint64_t nodeid, uint64_t *ret);

/* The descriptor, open until handles_return(), or -ESTALE. */
int handles_borrow(struct handles *handles, uint64_t handle, uint64_t nodeid);
void handles_return(struct handles *handles, int fd);

/* Unknown handles are ignored. */
void handles_release(struct handles *handles, uint64_t handle, uint64_t nodeid);

#endif
