/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * base64.h - bytes as sixty-four letters (RFC 4648, section 4)
 */
#ifndef LAMINA_BASE_BASE64_H
#define LAMINA_BASE_BASE64_H

#include "base/span.h"

struct buf; /* base/buf.h */

/* Append the text of bytes, padded. Returns 0 or -ENOMEM. */
int base64_encode(struct span bytes, struct buf *ret);

/*
 * Append the bytes of text. Padding may be missing, as some writers have it; nothing else is
 * forgiven: no white space, no bits left over. Returns 0, -EUCLEAN or -ENOMEM.
 */
int base64_decode(struct span text, struct buf *ret);

#endif
