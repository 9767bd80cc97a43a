/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * store.h - a repository on disk
 *
 * The layout, modes and meta.json of composefs-rs (composefs-repository.md, 2.1 to 2.5). A store is
 * immutable after open but for what transactions add. Opening takes the shared lock (flock of the
 * directory) for as long as the store is open. Several threads may use one store.
 */
#ifndef LAMINA_STORE_STORE_H
#define LAMINA_STORE_STORE_H

#include <stdbool.h>

#include "base/digest.h"

struct diag; /* base/diag.h */
struct store;

struct store_config {
	enum digest_algorithm algorithm; /* of objects */
	bool is_secure;                  /* objects carry fs-verity in the kernel */
	int erofs_version;               /* the default format: 0, 1 or 2 */
	unsigned int extra_versions;     /* bit N: format N is written too */
};

/*
 * Make a repository: the directory at path (made when missing, 0700), meta.json, objects/.
 * Idempotent for an equal config.
 *
 *   -EEXIST      there is one with another config
 *   -EOPNOTSUPP  secure, and the file system has no fs-verity
 *   -ENOTEMPTY   the directory has other things in it
 */
int store_init(const char *path, const struct store_config *config, struct diag *why);

/*
 * Open a repository.
 *
 *   -ENOENT      nothing there, or no meta.json and no objects/
 *   -EUCLEAN     meta.json is malformed
 *   -EOPNOTSUPP  an incompatible feature or version that we do not know
 */
int store_open(const char *path, struct store **ret, struct diag *why);

/* What there is of meta.json. */
enum store_meta {
	STORE_META_ABSENT, /* a repository from before there was one */
	STORE_META_GOOD,
	STORE_META_BAD,
};

/*
 * store_open() for who checks: where meta.json is malformed, and there is an object to tell the
 * algorithm from, the store is open all the same, not writable, and *meta_why says what is wrong.
 */
int store_open_to_check(const char *path, struct store **ret, enum store_meta *ret_meta,
			struct diag *meta_why, struct diag *why);

/*
 * Use a directory, made when missing, as objects/ of no repository (mkcomposefs --digest-store): no
 * meta.json, no lock, no images; objects get fs-verity where that works, as mkcomposefs has it.
 */
int store_open_objects(const char *path, enum digest_algorithm algorithm, struct store **ret,
		       struct diag *why);

void store_close(struct store *store); /* NULL is fine */
void store_closep(struct store **store);

/*
 * Hold the lock alone, for removing things: nobody else has the repository open then. Waits for the
 * others, or, unless waits, is -EBUSY without a diag. store_share() goes back; closing does, too.
 * Meanwhile nothing of this process may open the same repository again.
 */
int store_lock_alone(struct store *store, bool waits, struct diag *why);
void store_share(struct store *store);

struct store_config store_config(const struct store *store);

/* False when a read-only-compatible feature is unknown: then transactions are refused. */
bool store_is_writable(const struct store *store);

/* The directory of the repository, and of objects/ (O_PATH or O_RDONLY); the store keeps them. */
int store_dir_fd(const struct store *store);
int store_objects_fd(const struct store *store);

#endif
