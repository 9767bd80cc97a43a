/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "serve/xattr_names.h"

#include <assert.h>

#include "erofs/image.h"

#define OWN SPAN_LITERAL("trusted.overlay.")
#define ESCAPED SPAN_LITERAL("trusted.overlay.overlay.")
#define USER_OWN SPAN_LITERAL("user.overlay.")
#define USER_ESCAPED SPAN_LITERAL("user.overlay.overlay.")

struct renaming {
	struct span stored;
	struct span shown; /* empty: hidden */
};

#define RENAMINGS_MAX 3

/* Both ways the first row that fits counts, so a longer prefix stands before a shorter one. */
struct renamings {
	size_t count;
	struct renaming rows[RENAMINGS_MAX];
};

static const struct renamings by_stored[] = {
	[VIEW_METADATA_USER] = {3, {{ESCAPED, OWN}, {OWN, USER_OWN}, {USER_OWN, USER_ESCAPED}}},
	[VIEW_METADATA_TRUSTED] = {0},
	[VIEW_STANDALONE] = {2, {{ESCAPED, OWN}, {OWN, {NULL, 0}}}},
};

static const struct renamings by_shown[] = {
	[VIEW_METADATA_USER] = {3, {{USER_OWN, USER_ESCAPED}, {OWN, USER_OWN}, {ESCAPED, OWN}}},
	[VIEW_METADATA_TRUSTED] = {0},
	[VIEW_STANDALONE] = {1, {{ESCAPED, OWN}}},
};

static struct span join(struct span head, struct span tail, struct xattr_name_space *space)
{
	assert(head.size + tail.size <= sizeof(space->bytes));
	memcpy(space->bytes, head.data, head.size);
	if (tail.size)
		memcpy(space->bytes + head.size, tail.data, tail.size);
	return span_of(space->bytes, head.size + tail.size);
}

bool xattr_name_is_acl(struct span name)
{
	return span_equal(name, SPAN_LITERAL("system.posix_acl_access")) ||
	       span_equal(name, SPAN_LITERAL("system.posix_acl_default"));
}

bool xattr_name_is_known(struct span name)
{
	return span_starts_with(name, SPAN_LITERAL("user.")) ||
	       span_starts_with(name, SPAN_LITERAL("trusted.")) ||
	       span_starts_with(name, SPAN_LITERAL("security.")) || xattr_name_is_acl(name);
}

bool xattr_shown_name(enum view_kind kind, const struct image_xattr *stored,
		      struct xattr_name_space *space, struct span *ret)
{
	struct xattr_name_space stored_space;
	struct span name = join(stored->prefix, stored->suffix, &stored_space);

	if (stored->prefix.size == 0 || !xattr_name_is_known(name))
		return false;
	for (size_t i = 0; i < by_stored[kind].count; i++) {
		const struct renaming *row = &by_stored[kind].rows[i];
		struct span rest;

		if (!span_starts_with(name, row->stored))
			continue;
		if (row->shown.size == 0)
			return false;
		(void)span_from(name, row->stored.size, &rest);
		*ret = join(row->shown, rest, space);
		return true;
	}
	*ret = join(SPAN_LITERAL(""), name, space);
	return true;
}

struct span xattr_stored_name(enum view_kind kind, struct span name, struct xattr_name_space *space)
{
	for (size_t i = 0; i < by_shown[kind].count; i++) {
		const struct renaming *row = &by_shown[kind].rows[i];
		struct span rest;

		if (!span_starts_with(name, row->shown))
			continue;
		(void)span_from(name, row->shown.size, &rest);
		return join(row->stored, rest, space);
	}
	return name;
}
