/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * gzip by ISA-L: twice the speed of zlib or more, and assembly that sanitizers cannot look into, so
 * builds for them have zlib only (meson.build). It stops after the first member, as zlib does.
 */
#include <errno.h>

#include "base/diag.h"
#include "oci/inflate_private.h"

#ifdef HAVE_ISAL

#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <stdlib.h>

#include "base/library.h"

static struct {
	__typeof__(isal_inflate_init) *init;
	__typeof__(isal_inflate_reset) *reset;
	__typeof__(isal_inflate) *run;
} isal; /* immutable once loaded */

static const struct library_symbol symbols[] = {
	{"isal_inflate_init", &isal.init},
	{"isal_inflate_reset", &isal.reset},
	{"isal_inflate", &isal.run},
};

static struct library library = {LIBRARY("libisal.so.2", symbols)}; /* of the headers: 2.x */

static int isal_open(void **ret, struct diag *why)
{
	struct inflate_state *state;
	int r = library_want(&library, why);

	if (r < 0)
		return r;
	state = calloc(1, sizeof(*state));
	if (!state)
		return -ENOMEM;
	isal.init(state);
	state->crc_flag = ISAL_GZIP; /* header and trailer, checksum and size are its own work */
	*ret = state;
	return 0;
}

static const char *isal_says(int r)
{
	switch (r) {
	case ISAL_INVALID_BLOCK:
		return "invalid block";
	case ISAL_INVALID_SYMBOL:
		return "invalid symbol";
	case ISAL_INVALID_LOOKBACK:
		return "invalid distance";
	case ISAL_INCORRECT_CHECKSUM:
		return "wrong checksum";
	default:
		return "not a gzip header";
	}
}

static int isal_run(void *decoder, struct span *input, struct inflate_room *room, struct diag *why)
{
	struct inflate_state *state = decoder;
	uint32_t in = input->size < UINT32_MAX ? (uint32_t)input->size : UINT32_MAX;
	uint32_t out = room->size < UINT32_MAX ? (uint32_t)room->size : UINT32_MAX;
	int r;

	state->next_in = (uint8_t *)(uintptr_t)input->data; /* only read */
	state->avail_in = in;
	state->next_out = room->data;
	state->avail_out = out;
	r = isal.run(state);
	span_advance(input, in - state->avail_in);
	room_advance(room, out - state->avail_out);
	if (r < 0)
		return diag_set(why, -EUCLEAN, "damaged gzip data: %s", isal_says(r));
	if (state->block_state != ISAL_BLOCK_FINISH)
		return 0;
	isal.reset(state);
	state->crc_flag = ISAL_GZIP;
	return 1;
}

static void isal_close(void *decoder)
{
	free(decoder);
}

#else

static int isal_open(void **ret, struct diag *why)
{
	(void)ret;
	return diag_set(why, -EOPNOTSUPP, "built without ISA-L");
}

static int isal_run(void *decoder, struct span *input, struct inflate_room *room, struct diag *why)
{
	(void)decoder;
	(void)input;
	(void)room;
	return diag_set(why, -EOPNOTSUPP, "built without ISA-L");
}

static void isal_close(void *decoder)
{
	(void)decoder;
}

#endif

const struct inflate_codec inflate_isal = {"gzip", isal_open, isal_run, isal_close};
