/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * passwd.h - users and groups of an image, by the text of its passwd and group files
 *
 * passwd(5), group(5). The text is an image's, so anything: lines of another form, or longer than
 * PASSWD_LINE_SIZE_MAX, are passed over, as getpwent(3) does. Of several lines with one name the
 * first counts.
 */
#ifndef LAMINA_OCI_PASSWD_H
#define LAMINA_OCI_PASSWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct passwd_user {
	struct span name;
	uint32_t uid;
	uint32_t gid;
	struct span home;
};

/* A user by its name or, where name is empty, by uid. All spans are parts of text. */
bool passwd_find(struct span text, struct span name, uint32_t uid, struct passwd_user *ret);

/* A group by its name. */
bool group_find(struct span text, struct span name, uint32_t *ret);

/*
 * The groups that list a user as a member, in the order of the text, each once: at most count_max
 * of them into gids. Returns how many were put there.
 */
size_t groups_of_member(struct span text, struct span user, uint32_t *gids, size_t count_max);

/* A decimal id, 0 to 2^32 - 2, and nothing else. */
bool passwd_number(struct span text, uint32_t *ret);

#endif
