/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/tar_index.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/pieces.h"
#include "base/span.h"
#include "oci/tar.h"

#define LINKS_MAX 8 /* one is what old versions of Docker write */

enum member_kind { MEMBER_FILE, MEMBER_HARD_LINK, MEMBER_SYMLINK };

struct member {
	struct span name; /* in the arena */
	enum member_kind kind;
	bool is_twice;  /* another one has the same name */
	bool is_sparse; /* its bytes do not lie in a row */
	struct tar_range range;
	struct span target; /* of links */
};

struct tar_index {
	struct arena arena;
	struct map members; /* of struct member, by name */
};

void tar_index_free(struct tar_index *index)
{
	if (!index)
		return;
	map_release(&index->members);
	arena_release(&index->arena);
	free(index);
}

static void tar_index_freep(struct tar_index **index)
{
	tar_index_free(*index);
	*index = NULL;
}

/* Names */

/* Without what does not change where it leads: "./" in front, "/" behind. */
static struct span name_trimmed(struct span name)
{
	while (name.size >= 2 && name.data[0] == '.' && name.data[1] == '/') {
		name = span_of(name.data + 2, name.size - 2);
		while (name.size && name.data[0] == '/')
			name = span_of(name.data + 1, name.size - 1);
	}
	while (name.size && name.data[name.size - 1] == '/')
		name.size--;
	return name;
}

static bool member_has_name(const void *item, const void *key)
{
	return span_equal(((const struct member *)item)->name, *(const struct span *)key);
}

static struct member *member_find(const struct tar_index *index, struct span name)
{
	return map_find(&index->members, hash_bytes(name, 0), member_has_name, &name);
}

/* Reading the headers */

/* The blocks of an archive that are no bodies, one at a time. */
struct blocks {
	int fd;
	uint64_t size; /* of the archive */
	uint64_t offset;
	uint8_t block[TAR_BLOCK_SIZE];
};

static int blocks_next(void *context, struct span *ret, struct diag *why)
{
	struct blocks *blocks = context;
	uint64_t left = blocks->size - blocks->offset;
	/* Behind a body no more than its padding: nothing is taken that is not needed at once. */
	size_t block_left = TAR_BLOCK_SIZE - (size_t)(blocks->offset % TAR_BLOCK_SIZE);
	size_t wanted = left < block_left ? (size_t)left : block_left;
	ssize_t got;

	if (wanted == 0)
		return 0;
	got = fd_pread(blocks->fd, blocks->block, wanted, blocks->offset);
	if (got < 0)
		return diag_errno(why, (int)got, "cannot read");
	blocks->offset += (uint64_t)got;
	*ret = span_of(blocks->block, (size_t)got);
	return got > 0;
}

/* Pass the body of an entry over; where it lies goes into *ret. */
static int body_skip(struct blocks *blocks, struct tar *tar, const struct tar_entry *entry,
		     struct tar_range *ret, struct diag *why)
{
	int r;

	*ret = (struct tar_range){blocks->offset, entry->stored_size};
	if (entry->stored_size > blocks->size - blocks->offset)
		return diag_set(why, -EUCLEAN, "the archive ends within an entry");
	r = tar_body_elsewhere(tar, why);
	if (r < 0)
		return r;
	blocks->offset += entry->stored_size;
	return 0;
}

static int member_add(struct tar_index *index, const struct member *found, struct diag *why)
{
	struct member *member = member_find(index, found->name);

	if (member) {
		member->is_twice = true;
		return 0;
	}
	if (index->members.count == ARCHIVE_MEMBER_MAX)
		return diag_set(why, -E2BIG, "more than %d files in the archive",
				ARCHIVE_MEMBER_MAX);
	member = arena_new(&index->arena, struct member);
	if (!member)
		return -ENOMEM;
	*member = *found;
	member->name.data = (uint8_t *)arena_copy(&index->arena, found->name);
	member->target.data = (uint8_t *)arena_copy(&index->arena, found->target);
	if (!member->name.data || !member->target.data)
		return -ENOMEM;
	return map_add(&index->members, hash_bytes(member->name, 0), member);
}

/* Note an entry, if it is a file or a link to one. */
static int entry_note(struct tar_index *index, const struct tar_entry *entry,
		      struct tar_range range, struct diag *why)
{
	struct member member = {
		.name = name_trimmed(entry->name),
		.kind = entry->type == TAR_HARD_LINK ? MEMBER_HARD_LINK
			: entry->type == TAR_SYMLINK ? MEMBER_SYMLINK
						     : MEMBER_FILE,
		.is_sparse = entry->is_sparse,
		.range = range,
		.target = entry->target,
	};

	if (entry->type != TAR_REGULAR && member.kind == MEMBER_FILE)
		return 0;
	/* Nothing that an image consists of has so long a name. */
	if (member.name.size == 0 || member.name.size > ARCHIVE_NAME_MAX ||
	    member.target.size > ARCHIVE_NAME_MAX)
		return 0;
	return member_add(index, &member, why);
}

static int entries_read(struct tar_index *index, struct blocks *blocks, struct tar *tar,
			struct diag *why)
{
	struct tar_entry entry;
	int r;

	while ((r = tar_next(tar, &entry, why)) > 0) {
		struct tar_range range;

		r = body_skip(blocks, tar, &entry, &range, why);
		if (r == 0)
			r = entry_note(index, &entry, range, why);
		if (r < 0)
			break;
	}
	return r;
}

int tar_index_read(int fd, uint64_t size_bytes, struct tar_index **ret, struct diag *why)
{
	CLEAN(tar_index_freep) struct tar_index *index = calloc(1, sizeof(*index));
	CLEAN(tar_closep) struct tar *tar = NULL;
	struct blocks blocks = {.fd = fd, .size = size_bytes};
	const struct pieces source = {blocks_next, &blocks};
	int r;

	if (!index)
		return -ENOMEM;
	r = tar_open(&source, NULL, NULL, &tar);
	if (r == 0)
		r = entries_read(index, &blocks, tar, why);
	if (r < 0)
		return r;
	*ret = TAKE(index);
	return 0;
}

/* Finding */

/* base/../target as a path of the archive. -EUCLEAN when it leaves it. */
static int target_resolve(struct span base, struct span target, struct buf *ret)
{
	int r = 0;

	ret->size = 0;
	if (target.size && target.data[0] == '/')
		base.size = 0;
	while (base.size && base.data[base.size - 1] != '/')
		base.size--;
	if (base.size)
		r = buf_append_span(ret, span_of(base.data, base.size - 1));
	while (target.size && r == 0) {
		const uint8_t *slash = memchr(target.data, '/', target.size);
		struct span part =
			span_of(target.data, slash ? (size_t)(slash - target.data) : target.size);

		target = span_of(target.data + part.size, target.size - part.size);
		if (slash)
			target = span_of(target.data + 1, target.size - 1);
		if (part.size == 0 || span_equal(part, SPAN_LITERAL(".")))
			continue;
		if (!span_equal(part, SPAN_LITERAL(".."))) {
			r = ret->size ? buf_append_byte(ret, '/') : 0;
			r = r < 0 ? r : buf_append_span(ret, part);
			continue;
		}
		if (ret->size == 0)
			return -EUCLEAN;
		while (ret->size && ret->data[ret->size - 1] != '/')
			ret->size--;
		ret->size -= ret->size > 0;
	}
	return r;
}

int tar_index_find(const struct tar_index *index, const char *name, struct tar_range *ret,
		   struct diag *why)
{
	const struct member *member = member_find(index, span_of_string(name));
	CLEAN(buf_release) struct buf path = {0};
	int r;

	if (!member)
		return -ENOENT;
	for (int links = 0; member && member->kind != MEMBER_FILE; links++) {
		struct span base = member->kind == MEMBER_SYMLINK ? member->name : SPAN_EMPTY;

		r = target_resolve(base, member->target, &path);
		if (r == -ENOMEM)
			return r;
		if (r < 0 || links == LINKS_MAX)
			return diag_set(why, -EUCLEAN, "'%.200s' is a link that leads nowhere",
					name);
		member = member_find(index, buf_span(&path));
	}
	if (!member)
		return diag_set(why, -EUCLEAN, "'%.200s' is a link that leads nowhere", name);
	if (member->is_twice)
		return diag_set(why, -EUCLEAN, "'%.200s' is twice in the archive", name);
	if (member->is_sparse)
		return diag_set(why, -EOPNOTSUPP, "'%.200s' is a sparse file", name);
	*ret = member->range;
	return 0;
}
