/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/inflate.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/pieces.h"
#include "base/reader.h"
#include "oci/inflate_private.h"

struct inflate {
	struct pieces source;
	const struct inflate_codec *codec; /* NULL: plain, or not known yet */
	void *decoder;                     /* owned */
	struct span input;                 /* the rest of a piece of source, or of head */
	bool is_known;                     /* the first bytes were looked at */
	bool is_within;                    /* a member or frame has begun and not ended */
	bool is_drained;                   /* source has ended */
	uint64_t left;                     /* plain bytes that may still come */
	uint64_t limit;
	uint8_t head[INFLATE_MAGIC_SIZE];
	struct span behind_head; /* of the piece that head ends in */
};

/* RFC 1952, 2.3.1 */
static bool is_gzip(struct span head)
{
	return span_starts_with(head, SPAN_LITERAL("\x1f\x8b"));
}

/* RFC 8878, 3.1.1 and 3.1.2: a frame, or a skippable one, whose lowest four bits are free. */
static bool is_zstd(struct span head)
{
	return span_starts_with(head, SPAN_LITERAL("\x28\xb5\x2f\xfd")) ||
	       (head.size == INFLATE_MAGIC_SIZE && (head.data[0] & 0xf0) == 0x50 &&
		memcmp(head.data + 1, "\x2a\x4d\x18", 3) == 0);
}

bool inflate_knows(struct span head)
{
	return is_gzip(head) || is_zstd(head);
}

/* The next bytes of the source into input. Returns 1, or 0 at the end. */
static int refill(struct inflate *inflate, struct diag *why)
{
	int r;

	inflate->input = inflate->behind_head;
	inflate->behind_head = SPAN_EMPTY;
	if (inflate->input.size)
		return 1;
	if (inflate->is_drained)
		return 0;
	r = pieces_next(&inflate->source, &inflate->input, why);
	inflate->is_drained = r <= 0;
	return r;
}

/* ISA-L is the faster one, where it is. */
static int gzip_open(struct inflate *inflate, struct diag *why)
{
	inflate->codec = &inflate_isal;
	if (inflate->codec->open(&inflate->decoder, NULL) == 0)
		return 0;
	inflate->codec = &inflate_zlib;
	return inflate->codec->open(&inflate->decoder, why);
}

/* Gather the magic, which may come a byte at a time, and leave it in front of input. */
static int recognise(struct inflate *inflate, struct diag *why)
{
	struct span head;
	size_t filled = 0;
	int r = 1;

	while (filled < INFLATE_MAGIC_SIZE && (r = refill(inflate, why)) > 0) {
		size_t part = INFLATE_MAGIC_SIZE - filled;

		if (part > inflate->input.size)
			part = inflate->input.size;
		memcpy(inflate->head + filled, inflate->input.data, part);
		span_advance(&inflate->input, part);
		filled += part;
		inflate->behind_head = inflate->input;
	}
	if (r < 0)
		return r;
	head = span_of(inflate->head, filled);
	inflate->input = head;
	inflate->is_known = true;
	if (is_gzip(head))
		return gzip_open(inflate, why);
	if (!is_zstd(head))
		return 0;
	inflate->codec = &inflate_zstd;
	return inflate->codec->open(&inflate->decoder, why);
}

static int copy_plain(struct inflate *inflate, struct inflate_room *room, struct diag *why)
{
	size_t part;
	int r = inflate->input.size ? 1 : refill(inflate, why);

	if (r <= 0)
		return r;
	part = inflate->input.size < room->size ? inflate->input.size : room->size;
	memcpy(room->data, inflate->input.data, part);
	span_advance(&inflate->input, part);
	room_advance(room, part);
	return 1;
}

/*
 * One step of the decoder. Returns 1, or 0 at the end. Behind the last input a decoder can still
 * hold bytes for which there was no room.
 */
static int decode(struct inflate *inflate, struct inflate_room *room, struct diag *why)
{
	size_t input_size, room_size = room->size;
	int r = inflate->input.size ? 1 : refill(inflate, why);

	if (r < 0 || (r == 0 && !inflate->is_within))
		return r;
	input_size = inflate->input.size;
	r = inflate->codec->run(inflate->decoder, &inflate->input, room, why);
	if (r < 0)
		return r;
	inflate->is_within = r == 0;
	if (r == 0 && room->size == room_size && inflate->input.size == input_size)
		return diag_set(why, -EUCLEAN, "the %s data ends too early", inflate->codec->name);
	return 1;
}

static int step(struct inflate *inflate, struct inflate_room *room, struct diag *why)
{
	return inflate->codec ? decode(inflate, room, why) : copy_plain(inflate, room, why);
}

/* Nothing may come any more: a byte of room shows whether something does. */
static int expect_end(struct inflate *inflate, struct diag *why)
{
	uint8_t byte;
	struct inflate_room room = {&byte, 1};
	int r;

	while ((r = step(inflate, &room, why)) > 0) {
		if (room.size == 0)
			return diag_set(why, -E2BIG, "more than %llu plain bytes",
					(unsigned long long)inflate->limit);
	}
	return r;
}

static ssize_t inflate_read(void *context, void *data, size_t size, struct diag *why)
{
	struct inflate *inflate = context;
	struct inflate_room room = {data, size};
	int r = inflate->is_known ? 0 : recognise(inflate, why);

	if (r < 0)
		return r;
	if (inflate->left == 0)
		return expect_end(inflate, why);
	if (size > inflate->left)
		room.size = size = (size_t)inflate->left;
	/* A member can be empty, and a piece of input may give no byte yet. */
	do {
		r = step(inflate, &room, why);
	} while (r > 0 && room.size == size);
	if (r < 0)
		return r;
	inflate->left -= size - room.size;
	return (ssize_t)(size - room.size);
}

static void inflate_close(void *context)
{
	struct inflate *inflate = context;

	if (inflate->decoder)
		inflate->codec->close(inflate->decoder);
	free(inflate);
}

int inflate_open(const struct pieces *source, uint64_t limit_bytes, struct reader *ret)
{
	struct inflate *inflate = calloc(1, sizeof(*inflate));

	if (!inflate)
		return -ENOMEM;
	inflate->source = *source;
	inflate->left = inflate->limit = limit_bytes;
	*ret = (struct reader){.read = inflate_read, .close = inflate_close, .context = inflate};
	return 0;
}
