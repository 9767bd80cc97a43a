/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * ckd.h - checked arithmetic under C23's names
 *
 * Each stores the wrapped result and returns true when it wrapped. <stdckdint.h> can take over.
 */
#ifndef LAMINA_BASE_CKD_H
#define LAMINA_BASE_CKD_H

#define ckd_add(ret, a, b) __builtin_add_overflow((a), (b), (ret))
#define ckd_sub(ret, a, b) __builtin_sub_overflow((a), (b), (ret))
#define ckd_mul(ret, a, b) __builtin_mul_overflow((a), (b), (ret))

/* Round up to a power of two. The caller has made sure that value + align does not wrap. */
#define align_up(value, align) (((value) + ((align)-1)) & ~(uint64_t)((align)-1))

#endif
