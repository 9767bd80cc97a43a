/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * names.h - what images are called
 *
 * Two kinds live side by side: names of imported images (images/refs/) and tags of pulled ones
 * (streams/refs/oci/). A command takes either; no name is allowed to be both.
 */
#ifndef LAMINA_OPS_NAMES_H
#define LAMINA_OPS_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

struct diag;  /* base/diag.h */
struct store; /* store/store.h */

struct named_image {
	const char *name;
	struct digest image;    /* EROFS; DIGEST_NONE: it has none, or is damaged */
	struct digest manifest; /* as OCI has it; DIGEST_NONE: imported */
	bool is_lazy;           /* pulled lazily: of these bytes of contents, so many are here */
	uint64_t all_bytes;
	uint64_t here_bytes;
};

/* Called for each name, in byte order. A return other than 0 ends the listing and is its result. */
typedef int named_visit(void *context, const struct named_image *image, struct diag *why);
int names_each(const struct store *store, named_visit *visit, void *context, struct diag *why);

enum name_kind {
	NAME_IMPORTED,
	NAME_TAG,
};

/* Whether a name may become one of that kind: 0, or -EEXIST when it is one of the other. */
int name_check_free(const struct store *store, const char *name, enum name_kind kind,
		    struct diag *why);

/* Call the image that text means name, too; what had that name loses it. -ENOENT, -EEXIST. */
int name_add(struct store *store, const char *text, const char *name, struct diag *why);

/*
 * Take a name away. What nothing else names is garbage from then on. Digits that a listing shows
 * mean the name of that image, if it has but one: -EEXIST. -ENOENT.
 */
int name_remove(struct store *store, const char *name, struct diag *why);

#endif
