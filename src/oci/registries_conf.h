/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * registries_conf.h - where images of a name really are: mirrors, other locations, blocks
 *
 * containers-registries.conf(5), version 2. What it says of short names is not for us, who take
 * none. Version 1 is refused: not to honour what it blocks would be worse.
 */
#ifndef LAMINA_OCI_REGISTRIES_CONF_H
#define LAMINA_OCI_REGISTRIES_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "oci/reference.h"

struct diag; /* base/diag.h */

enum mirror_pull {
	MIRROR_ALWAYS,
	MIRROR_BY_DIGEST, /* only where the reference has a digest */
	MIRROR_BY_TAG,    /* only where it has none */
};

struct registry_mirror {
	char *location; /* owned */
	bool is_insecure;
	enum mirror_pull pull;
};

/* One [[registry]]. */
struct registry_rule {
	char *prefix;   /* owned; what names begin with, or "*.DOMAIN" */
	char *location; /* owned; what stands in its place; NULL: the same */
	bool is_insecure;
	bool is_blocked;
	bool mirrors_by_digest;          /* for mirrors that do not say */
	struct registry_mirror *mirrors; /* owned */
	size_t mirror_count;
	unsigned int file; /* of one file the first counts, of several the last */
};

/* {0} is no file at all. */
struct registries_conf {
	struct registry_rule *rules; /* owned */
	size_t count;
	unsigned int files;
};

void registries_conf_release(struct registries_conf *conf);

/*
 * Read the files that are there:
 *
 *   path, or $CONTAINERS_REGISTRIES_CONF, and nothing else; or else
 *   ~/.config/containers/registries.conf, else /etc/containers/registries.conf, and
 *   *.conf in registries.conf.d of both, by name, which may say again what came before
 *
 *   -EUCLEAN     malformed
 *   -EOPNOTSUPP  version 1
 *   -ENOENT      path, or that of the variable, is not there
 *   -E2BIG       over REGISTRIES_CONF_SIZE_MAX or REGISTRIES_COUNT_MAX
 */
int registries_conf_load(const char *path, struct registries_conf *ret, struct diag *why);

/* Add the text of one more file. */
int registries_conf_add(struct registries_conf *conf, struct span text, struct diag *why);

/* Where to look, one after the other. */
struct registry_place {
	struct oci_reference reference; /* owned; as it is called there */
	bool is_insecure;
};

struct registry_places {
	struct registry_place *places; /* owned; at least one */
	size_t count;
};

void registry_places_release(struct registry_places *places);

/*
 * The mirrors of a docker reference, then the registry itself. for_push: only that, as no mirror
 * is written to, and blocks are about pulling.
 *
 *   -EPERM   it is blocked
 *   -EINVAL  a location makes no name of this one
 */
int registries_conf_places(const struct registries_conf *conf,
			   const struct oci_reference *reference, bool for_push,
			   struct registry_places *ret, struct diag *why);

#endif
