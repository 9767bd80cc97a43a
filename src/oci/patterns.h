/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * patterns.h - many regular expressions at once, as a SELinux policy has them
 *
 * A text is matched as a whole, by all patterns in one pass; of those that match, the one that was
 * added last counts. The syntax is that of Rust's regex crate without Unicode, since image ids of
 * composefs-rs depend on it, as far as policies use it: literals, '.', classes, groups, '|',
 * '* + ? {n} {n,} {n,m}', '^', '$', and escapes of punctuation, control characters, \xHH, \d, \s
 * and \w. What it has besides (flags, names, word boundaries, operations on classes), and what only
 * PCRE has (look-around, back references), is refused. docs/decisions/0018 has the reasons.
 *
 * The patterns are hostile's: size, memory and work have limits (PATTERN_* of base/limits.h), the
 * time of a match does not depend on them but through those. Owned by one thread.
 */
#ifndef LAMINA_OCI_PATTERNS_H
#define LAMINA_OCI_PATTERNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct diag; /* base/diag.h */

struct patterns;

int patterns_new(struct patterns **ret); /* 0 or -ENOMEM */
void patterns_free(struct patterns *patterns);
void patterns_freep(struct patterns **patterns);

#define PATTERN_ANY_TAG 0

/*
 * Add a pattern; the first has number 0. tag is the byte that stands behind a text for it to match,
 * or PATTERN_ANY_TAG. Not after the first patterns_match().
 *
 *   -EUCLEAN     not a regular expression
 *   -EOPNOTSUPP  with something in it that is refused
 *   -E2BIG       more or larger patterns than there may be; nested too deep
 */
int patterns_add(struct patterns *patterns, struct span regex, uint8_t tag, struct diag *why);

/*
 * Match text with tag behind it. Returns 1 and the number of the last pattern that matches, 0, or
 *
 *   -E2BIG  the patterns have cost too much work, all matches together
 *   -ENOMEM
 */
int patterns_match(struct patterns *patterns, struct span text, uint8_t tag, size_t *ret,
		   struct diag *why);

/*
 * Bytes that may be remembered between matches and work that may be done, instead of
 * PATTERN_CACHE_SIZE and PATTERN_WORK_MAX: for tests.
 */
void patterns_limit(struct patterns *patterns, size_t cache_size, uint64_t work);

#endif
