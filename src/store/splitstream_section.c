/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/limits.h"
#include "store/splitstream_private.h"
#include "store/zstd.h"

int zstd_section_init(struct zstd_section *section, int fd, struct splitstream_range range,
		      struct diag *why)
{
	int r;

	*section = (struct zstd_section){
		.fd = fd, .next = range.start, .end = range.end, .is_open = true};
	r = zstd_load(&section->zstd, why);
	if (r < 0)
		return r;
	r = buf_reserve(&section->input, SPLITSTREAM_PIECE_SIZE);
	if (r < 0)
		return r;
	section->decompressor = section->zstd->decompressor_new();
	if (!section->decompressor)
		return -ENOMEM;
	if (section->zstd->is_error(section->zstd->decompressor_set(
		    section->decompressor, ZSTD_d_windowLogMax, SPLITSTREAM_WINDOW_LOG_MAX)))
		return diag_set(why, -EOPNOTSUPP, "libzstd cannot decompress");
	return 0;
}

void zstd_section_release(struct zstd_section *section)
{
	if (section->decompressor)
		(void)section->zstd->decompressor_free(section->decompressor);
	buf_release(&section->input);
	*section = (struct zstd_section){.fd = -1};
}

/* More input, when the last was taken. Returns 0; the input stays empty at the end. */
static int refill(struct zstd_section *section, struct diag *why)
{
	uint64_t left = section->end - section->next;
	size_t want = left < SPLITSTREAM_PIECE_SIZE ? (size_t)left : SPLITSTREAM_PIECE_SIZE;
	ssize_t got;

	if (section->used < section->input.size || want == 0)
		return 0;
	got = fd_pread(section->fd, section->input.data, want, section->next);
	if (got < 0)
		return diag_errno(why, (int)got, "cannot read a splitstream");
	if ((size_t)got != want)
		return diag_set(why, -EUCLEAN, "splitstream: the file became shorter");
	section->next += want;
	section->input.size = want;
	section->used = 0;
	return 0;
}

ssize_t zstd_section_read(struct zstd_section *section, uint8_t *data, size_t size,
			  struct diag *why)
{
	ZSTD_outBuffer output = {data, size, 0};

	while (output.pos < size) {
		ZSTD_inBuffer input;
		size_t before = output.pos, result;
		bool has_moved;
		int r;

		r = refill(section, why);
		if (r < 0)
			return r;
		input = (ZSTD_inBuffer){section->input.data, section->input.size, section->used};
		/* A frame that is open may give output without more input. */
		if (input.pos == input.size && !section->is_open)
			break;
		result = section->zstd->decompress(section->decompressor, &output, &input);
		if (section->zstd->is_error(result))
			return diag_set(why, -EUCLEAN, "splitstream: zstd: %s",
					section->zstd->error_name(result));
		has_moved = input.pos > section->used || output.pos > before;
		section->used = input.pos;
		section->is_open = result != 0;
		if (section->is_open && !has_moved)
			return diag_set(why, -EUCLEAN, "splitstream: a zstd frame is cut short");
	}
	return (ssize_t)output.pos;
}
