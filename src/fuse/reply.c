/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "fuse/reply.h"

#include <assert.h>
#include <errno.h>

#include "base/ckd.h"
#include "fuse/abi.h"
#include "fuse/attributes.h"
#include "fuse/conduit.h"

/* Below this a copy costs less than one more segment to pin in the kernel. */
#define COPY_SIZE_MAX 512

#define TOUCH_STEP 4096 /* no page is smaller */

void reply_will_block(struct fuse_reply *reply)
{
	if (reply->before_blocking)
		reply->before_blocking(reply);
}

void reply_still_waits(struct fuse_reply *reply)
{
	if (reply->while_waiting)
		reply->while_waiting(reply);
}

void reply_touch(const struct fuse_reply *reply)
{
	for (uint32_t i = 1; i < reply->part_count; i++) {
		const volatile uint8_t *bytes = reply->parts[i].iov_base;
		size_t size = reply->parts[i].iov_len;

		for (size_t at = 0; at < size; at += TOUCH_STEP)
			(void)bytes[at];
		if (size > 0)
			(void)bytes[size - 1];
	}
}

size_t reply_room(const struct fuse_reply *reply)
{
	return reply->limit - reply->size;
}

static void reply_add_part(struct fuse_reply *reply, const void *data, size_t size)
{
	struct iovec *last = &reply->parts[reply->part_count - 1];

	if (reply->is_flat)
		return;
	if (reply->part_count > 1 && (const uint8_t *)last->iov_base + last->iov_len == data) {
		last->iov_len += size;
		return;
	}
	assert(reply->part_count <= REPLY_PARTS_MAX);
	reply->parts[reply->part_count++] = (struct iovec){(void *)(uintptr_t)data, size};
}

void *reply_claim(struct fuse_reply *reply, size_t size)
{
	uint8_t *data = reply->buffer + reply->used;

	if (size > reply_room(reply) || size > reply->capacity - reply->used || reply->is_query)
		return NULL;
	reply_add_part(reply, data, size);
	reply->used += size;
	reply->size += size;
	return data;
}

void reply_unclaim(struct fuse_reply *reply, size_t size)
{
	struct iovec *last = &reply->parts[reply->part_count - 1];

	assert(size <= reply->used);
	if (!reply->is_flat) {
		assert(reply->part_count > 1 && size <= last->iov_len);
		last->iov_len -= size;
	}
	reply->used -= size;
	reply->size -= size;
}

int reply_copy(struct fuse_reply *reply, struct span bytes)
{
	void *data;

	if (bytes.size > reply_room(reply))
		return -ERANGE;
	if (reply->is_query) {
		reply->size += bytes.size;
		return 0;
	}
	if (bytes.size == 0)
		return 0;
	data = reply_claim(reply, bytes.size);
	if (!data)
		return -ERANGE;
	memcpy(data, bytes.data, bytes.size);
	return 0;
}

int reply_span(struct fuse_reply *reply, struct span bytes)
{
	/* The last part stays free for a copy behind the spans. */
	if (bytes.size <= COPY_SIZE_MAX || reply->is_flat || reply->is_query ||
	    reply->part_count >= REPLY_PARTS_MAX)
		return reply_copy(reply, bytes);
	if (bytes.size > reply_room(reply))
		return -ERANGE;
	reply_add_part(reply, bytes.data, bytes.size);
	reply->size += bytes.size;
	return 0;
}

bool reply_takes_file(const struct fuse_reply *reply, size_t size)
{
	return reply->conduit && !reply->conduit->is_no_use && size >= CONDUIT_SIZE_MIN &&
	       size <= reply_room(reply);
}

bool reply_file(struct fuse_reply *reply, int fd, uint64_t offset, size_t size)
{
	struct abi_reply *head = reply->parts[0].iov_base;

	if (!reply_takes_file(reply, size))
		return false;
	assert(reply->size == 0 && reply->part_count == 1);
	head->size = (uint32_t)(sizeof(*head) + size);
	if (!conduit_fill(reply->conduit, head, fd, offset, size))
		return false;
	reply->size = size;
	reply->is_in_conduit = true;
	return true;
}

int reply_zeros(struct fuse_reply *reply, size_t size)
{
	void *data = reply_claim(reply, size);

	if (!data)
		return -ERANGE;
	memset(data, 0, size);
	return 0;
}

bool reply_dirent(struct fuse_reply *reply, bool plus, const struct fuse_dirent *entry)
{
	size_t head = (plus ? sizeof(struct abi_entry) : 0) + sizeof(struct abi_dirent);
	size_t size = (size_t)align_up(head + entry->name.size, 8);
	struct abi_dirent dirent = {entry->ino, entry->next, (uint32_t)entry->name.size,
				    entry->type};
	uint8_t *to = reply_claim(reply, size);

	if (!to)
		return false;
	if (plus) {
		struct abi_entry full = {0};

		if (entry->nodeid)
			full = entry_of(entry->nodeid, &entry->attributes);
		memcpy(to, &full, sizeof(full));
		to += sizeof(full);
	}
	memcpy(to, &dirent, sizeof(dirent));
	to += sizeof(dirent);
	memcpy(to, entry->name.data, entry->name.size);
	memset(to + entry->name.size, 0, size - head - entry->name.size);
	return true;
}
