/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * counted.h - a reader that tells how many bytes have passed, for progress
 */
#ifndef LAMINA_OPS_COUNTED_H
#define LAMINA_OPS_COUNTED_H

#include <stddef.h>

struct reader; /* base/reader.h */

/* Called with each piece, on the thread that reads. */
typedef void counted_bytes(void *context, size_t size_bytes);

/* source is taken in every case, and closed with the new one. Returns 0 or -ENOMEM. */
int counted_reader(struct reader *source, counted_bytes *count, void *context, struct reader *ret);

#endif
