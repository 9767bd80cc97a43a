/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy_finish.h - a lazily pulled image whose contents have all come
 */
#ifndef LAMINA_OPS_LAZY_FINISH_H
#define LAMINA_OPS_LAZY_FINISH_H

struct diag;   /* base/diag.h */
struct digest; /* base/digest.h */
struct store;  /* store/store.h */

/*
 * image is the finished EROFS image of the manifest. The folder goes; where mounts use it, it gets
 * all contents that it lacks first: second names of objects, once more held to the SHA-256 that
 * they are served by. 0 also where there is no such folder.
 */
int lazy_finish(const struct store *store, const struct digest *manifest,
		const struct digest *image, struct diag *why);

#endif
