/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/container_user.h"

#include <errno.h>
#include <stdlib.h>

#include "base/diag.h"
#include "oci/passwd.h"

static bool is_digits(struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	}
	return text.size > 0;
}

/* *ret_found: there is a line of him, which is *ret. */
static int user_find(struct span name, struct span passwd, bool *ret_found, struct passwd_user *ret,
		     struct diag *why)
{
	uint32_t uid = 0;

	*ret_found = name.size > 0 && passwd_find(passwd, name, 0, ret);
	if (*ret_found)
		return 0;
	if (name.size > 0 && !is_digits(name))
		return diag_set(why, -ENOENT, "the image has no user '%.*s'", (int)name.size,
				(const char *)name.data);
	if (name.size > 0 && !passwd_number(name, &uid))
		return diag_set(why, -EINVAL, "'%.*s' is not a user id", (int)name.size,
				(const char *)name.data);
	*ret_found = passwd_find(passwd, SPAN_EMPTY, uid, ret);
	if (!*ret_found)
		*ret = (struct passwd_user){.uid = uid};
	return 0;
}

static int group_id(struct span name, struct span groups, uint32_t *ret, struct diag *why)
{
	if (group_find(groups, name, ret) || passwd_number(name, ret))
		return 0;
	if (name.size == 0)
		return diag_set(why, -EINVAL, "there is no group behind the ':'");
	return diag_set(why, -ENOENT, "the image has no group '%.*s'", (int)name.size,
			(const char *)name.data);
}

static int home_copy(const struct passwd_user *line, struct container_user *user)
{
	if (line->home.size == 0 || memchr(line->home.data, '\0', line->home.size))
		return 0;
	user->home = strndup((const char *)line->home.data, line->home.size);
	return user->home ? 0 : -ENOMEM;
}

int container_user_find(const char *text, struct span passwd, struct span groups,
			struct container_user *ret, struct diag *why)
{
	const char *colon = text ? strchr(text, ':') : NULL;
	struct span name = text ? span_of(text, strcspn(text, ":")) : SPAN_EMPTY;
	struct container_user user = CONTAINER_USER_NONE;
	struct passwd_user line;
	bool is_found;
	int r;

	r = user_find(name, passwd, &is_found, &line, why);
	if (r < 0)
		return r;
	user.uid = line.uid;
	user.gid = line.gid;
	if (colon) {
		r = group_id(span_of_string(colon + 1), groups, &user.gid, why);
		if (r < 0)
			return r;
	} else if (is_found) {
		user.additional_gid_count = groups_of_member(
			groups, line.name, user.additional_gids, PASSWD_GROUP_COUNT_MAX);
	}
	r = is_found ? home_copy(&line, &user) : 0;
	if (r < 0)
		return r;
	*ret = user;
	return 0;
}

void container_user_release(struct container_user *user)
{
	free(user->home);
	user->home = NULL;
}
