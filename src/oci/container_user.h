/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * container_user.h - who "USER[:GROUP]" of an image's config is
 *
 * OCI image specification 1.1, "Image Configuration", User. Names are those of the image's own
 * passwd and group files. A user who is only a number need not be there, and has then group 0; who
 * has no GROUP is in all groups that list him.
 */
#ifndef LAMINA_OCI_CONTAINER_USER_H
#define LAMINA_OCI_CONTAINER_USER_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/span.h"

struct diag; /* base/diag.h */

struct container_user {
	uint32_t uid;
	uint32_t gid;
	uint32_t additional_gids[PASSWD_GROUP_COUNT_MAX];
	size_t additional_gid_count;
	char *home; /* owned; NULL: the passwd file does not say */
};

#define CONTAINER_USER_NONE ((struct container_user){0})

/*
 * text NULL or "": root. passwd and groups are the text of the two files, empty where there is
 * none.
 *
 *   -ENOENT  a name that is not there
 *   -EINVAL  a number that is no id, or nothing where a name should be
 */
int container_user_find(const char *text, struct span passwd, struct span groups,
			struct container_user *ret, struct diag *why);

void container_user_release(struct container_user *user);

#endif
