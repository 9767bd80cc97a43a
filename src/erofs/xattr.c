/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * Xattrs (Linux, Documentation/filesystems/erofs.rst, "Extended attributes"; composefs-image.md,
 * section 6). The area behind an inode head:
 *
 *   12 bytes       struct xattr_header_disk
 *   4 * shared     ids: an entry each, at xattr_offset + 4 * id
 *   the rest       entries, each aligned to 4
 *
 * The inline entries come before the shared ones, as in the kernel. A position is the offset of an
 * inline entry behind the ids, or SHARED plus the index of an id.
 */
#include <errno.h>

#include "base/ckd.h"
#include "base/diag.h"
#include "erofs/disk.h"
#include "erofs/image.h"
#include "erofs/xxh32.h"

#define SHARED (1ULL << 32)

#define ENTRY_ALIGN 4

/* By enum xattr_prefix. */
static const struct span prefixes[XATTR_PREFIX_COUNT] = {
	[XATTR_PREFIX_NONE] = SPAN_LITERAL(""),
	[XATTR_PREFIX_USER] = SPAN_LITERAL("user."),
	[XATTR_PREFIX_ACL_ACCESS] = SPAN_LITERAL("system.posix_acl_access"),
	[XATTR_PREFIX_ACL_DEFAULT] = SPAN_LITERAL("system.posix_acl_default"),
	[XATTR_PREFIX_TRUSTED] = SPAN_LITERAL("trusted."),
	[XATTR_PREFIX_LUSTRE] = SPAN_LITERAL("lustre."),
	[XATTR_PREFIX_SECURITY] = SPAN_LITERAL("security."),
};

struct xattr_area {
	struct span ids;
	struct span entries;
	uint32_t name_filter;
};

static int xattr_corrupt(const struct image_inode *inode, const char *what, struct diag *why)
{
	return diag_set(why, -EUCLEAN, "xattrs of inode %llu: %s", (unsigned long long)inode->nid,
			what);
}

/* Returns 1, 0 when the inode has no xattrs, or -EUCLEAN. */
static int xattr_area(const struct image *image, const struct image_inode *inode,
		      struct xattr_area *ret, struct diag *why)
{
	const struct xattr_header_disk *header;
	struct xattr_area area;
	uint64_t ids_size;
	struct span bytes;

	if (inode->xattr_size == 0)
		return 0;
	if (!span_cut(image->bytes, inode->offset + inode->head_size, inode->xattr_size, &bytes))
		return xattr_corrupt(inode, "beyond the image", why);
	header = span_at(bytes, 0, struct xattr_header_disk);
	if (!header)
		return xattr_corrupt(inode, "no room for the header", why);
	ids_size = header->shared_count * sizeof(le32);
	if (!span_cut(bytes, sizeof(*header), ids_size, &area.ids) ||
	    !span_from(bytes, sizeof(*header) + ids_size, &area.entries))
		return xattr_corrupt(inode, "more shared ones than fit", why);
	area.name_filter = le32_get(header->name_filter);
	*ret = area;
	return 1;
}

struct xattr_entry {
	uint8_t prefix; /* enum xattr_prefix */
	struct span suffix;
	struct span value;
	uint64_t size; /* of all of it, aligned */
};

static int xattr_entry(const struct image_inode *inode, struct span bytes, uint64_t offset,
		       struct xattr_entry *ret, struct diag *why)
{
	const struct xattr_entry_disk *disk = span_at(bytes, offset, struct xattr_entry_disk);
	struct xattr_entry entry;
	uint64_t name, value;

	if (!disk)
		return xattr_corrupt(inode, "an entry is out of bounds", why);
	if (disk->prefix & XATTR_LONG_PREFIX)
		return diag_set(why, -EOPNOTSUPP,
				"xattrs of inode %llu: long prefixes are not supported",
				(unsigned long long)inode->nid);
	if (disk->prefix >= XATTR_PREFIX_COUNT)
		return xattr_corrupt(inode, "unknown prefix", why);
	name = offset + sizeof(*disk);
	value = name + disk->name_size;
	if (!span_cut(bytes, name, disk->name_size, &entry.suffix) ||
	    !span_cut(bytes, value, le16_get(disk->value_size), &entry.value))
		return xattr_corrupt(inode, "an entry is out of bounds", why);
	entry.prefix = disk->prefix;
	entry.size = align_up(sizeof(*disk) + entry.suffix.size + entry.value.size, ENTRY_ALIGN);
	*ret = entry;
	return 0;
}

static int shared_entry(const struct image *image, const struct image_inode *inode,
			const struct xattr_area *area, uint64_t index, struct xattr_entry *ret,
			struct diag *why)
{
	const le32 *id = span_at(area->ids, index * sizeof(le32), le32);

	if (!id)
		return diag_set(why, -EINVAL, "inode %llu has no such xattr position",
				(unsigned long long)inode->nid);
	/* Both terms are below 2^48: the sum cannot wrap. */
	return xattr_entry(inode, image->bytes,
			   image->xattr_offset + (uint64_t)le32_get(*id) * ENTRY_ALIGN, ret, why);
}

static enum xattr_prefix prefix_of(struct span key)
{
	for (unsigned int i = 1; i < XATTR_PREFIX_COUNT; i++) {
		if (span_starts_with(key, prefixes[i]))
			return (enum xattr_prefix)i;
	}
	return XATTR_PREFIX_NONE;
}

/*
 * What nobody could ask for by its key is malformed: no name at all, a NUL within, or a name
 * spelled out that a prefix stands for. Except for lustre, whose prefix composefs versions 0 and 1
 * do not use.
 */
static bool key_is_reachable(const struct xattr_entry *entry)
{
	enum xattr_prefix spelled;

	if (entry->suffix.size && memchr(entry->suffix.data, '\0', entry->suffix.size))
		return false;
	if (entry->prefix != XATTR_PREFIX_NONE)
		return true;
	spelled = prefix_of(entry->suffix);
	return entry->suffix.size &&
	       (spelled == XATTR_PREFIX_NONE || spelled == XATTR_PREFIX_LUSTRE);
}

/* The entry at position, and the position behind it. Returns 1, 0 at the end, or -errno. */
static int entry_at(const struct image *image, const struct image_inode *inode,
		    const struct xattr_area *area, uint64_t position, struct xattr_entry *ret,
		    uint64_t *ret_next, struct diag *why)
{
	int r;

	if (position < SHARED && position < area->entries.size) {
		if (position % ENTRY_ALIGN)
			return diag_set(why, -EINVAL, "inode %llu has no such xattr position",
					(unsigned long long)inode->nid);
		r = xattr_entry(inode, area->entries, position, ret, why);
		if (r < 0)
			return r;
		*ret_next = position + ret->size;
		return 1;
	}
	if (position < SHARED)
		position = SHARED;
	if (position - SHARED >= area->ids.size / sizeof(le32))
		return 0;
	r = shared_entry(image, inode, area, position - SHARED, ret, why);
	if (r < 0)
		return r;
	*ret_next = position + 1;
	return 1;
}

int image_xattr_next(const struct image *image, const struct image_inode *inode, uint64_t position,
		     struct image_xattr *ret, struct diag *why)
{
	struct xattr_area area = {0};
	struct xattr_entry entry;
	uint64_t next = 0;
	int r;

	r = xattr_area(image, inode, &area, why);
	if (r <= 0)
		return r;
	r = entry_at(image, inode, &area, position, &entry, &next, why);
	if (r <= 0)
		return r;
	if (!key_is_reachable(&entry))
		return xattr_corrupt(inode, "a key that cannot be", why);
	*ret = (struct image_xattr){prefixes[entry.prefix], entry.suffix, entry.value, next};
	return 1;
}

/* Find a key as it is stored. Returns 0, -ENODATA, -EUCLEAN or -EOPNOTSUPP. */
static int find_stored(const struct image *image, const struct image_inode *inode,
		       const struct xattr_area *area, enum xattr_prefix prefix, struct span suffix,
		       struct span *ret_value, struct diag *why)
{
	struct xattr_entry entry;
	uint64_t position = 0;
	int r;

	/* A bit is cleared for each name that is there (Linux 6.6). */
	if (image->has_xattr_filter &&
	    area->name_filter >> (xxh32(suffix, XATTR_FILTER_SEED + prefix) & 31) & 1)
		return -ENODATA;
	for (;;) {
		r = entry_at(image, inode, area, position, &entry, &position, why);
		if (r < 0)
			return r;
		if (r == 0)
			return -ENODATA;
		if (entry.prefix == prefix && span_equal(entry.suffix, suffix)) {
			*ret_value = entry.value;
			return 0;
		}
	}
}

int image_xattr_get(const struct image *image, const struct image_inode *inode, struct span key,
		    struct span *ret_value, struct diag *why)
{
	enum xattr_prefix prefix = prefix_of(key);
	struct xattr_area area;
	struct span suffix;
	int r;

	r = xattr_area(image, inode, &area, why);
	if (r <= 0)
		return r < 0 ? r : -ENODATA;
	if (!span_from(key, prefixes[prefix].size, &suffix))
		return -ENODATA;
	r = find_stored(image, inode, &area, prefix, suffix, ret_value, why);
	if (r != -ENODATA || prefix != XATTR_PREFIX_LUSTRE)
		return r;
	return find_stored(image, inode, &area, XATTR_PREFIX_NONE, key, ret_value, why);
}
