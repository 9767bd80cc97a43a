/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * The user of a config, and the passwd and group files of its image: three parts, a zero byte after
 * each of the first two.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/idmap.h"
#include "oci/container_user.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span cut(struct span *rest)
{
	const uint8_t *end = rest->size ? memchr(rest->data, '\0', rest->size) : NULL;
	struct span part = *rest;

	if (end)
		part.size = (size_t)(end - rest->data);
	*rest = end ? span_of(end + 1, rest->size - part.size - 1) : SPAN_EMPTY;
	return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_of(data, size), name = cut(&rest), passwd = cut(&rest);
	char *text = name.size ? strndup((const char *)name.data, name.size) : NULL;
	struct container_user user;
	struct diag why = {0};

	if (container_user_find(text, passwd, rest, &user, &why) == 0) {
		if (user.uid == IDMAP_NONE || user.gid == IDMAP_NONE ||
		    user.additional_gid_count > PASSWD_GROUP_COUNT_MAX)
			abort();
		container_user_release(&user);
	} else if (!why.text[0]) {
		abort();
	}
	free(text);
	return 0;
}
