/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * lazy_fixture.h - a repository for folders of lazily pulled images, and the making of one
 */
#ifndef LAMINA_TESTS_STORE_LAZY_FIXTURE_H
#define LAMINA_TESTS_STORE_LAZY_FIXTURE_H

#include "check.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "store/lazies.h"
#include "store/lazy_draft.h"
#include "store/store.h"
#include "verity/sha.h"

struct fixture {
	char path[64];
	struct store *store;
	struct digest first;
	struct digest second;
};

static inline int make(void **state)
{
	static struct fixture fixture;
	const struct store_config config = {.algorithm = DIGEST_SHA256, .erofs_version = 1};
	struct diag why = {0};

	(void)snprintf(fixture.path, sizeof(fixture.path), "/tmp/lazies-test-XXXXXX");
	if (!mkdtemp(fixture.path) || store_init(fixture.path, &config, &why) < 0 ||
	    store_open(fixture.path, &fixture.store, &why) < 0)
		return -1;
	(void)sha_of(DIGEST_SHA256, SPAN_LITERAL("1"), &fixture.first, NULL);
	(void)sha_of(DIGEST_SHA512, SPAN_LITERAL("2"), &fixture.second, NULL);
	*state = &fixture;
	return 0;
}

static inline int unmake(void **state)
{
	struct fixture *fixture = *state;
	char command[96];

	store_closep(&fixture->store);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", fixture->path);
	return system(command);
}

static inline void folder_make(const struct fixture *fixture, const struct digest *manifest,
			       const char *text)
{
	CLEAN(lazy_draft_release) struct lazy_draft draft = LAZY_DRAFT_NONE;
	struct diag why = {0};

	assert_ok(lazy_draft_open(fixture->store, &draft, &why), &why);
	assert_ok(lazy_draft_file(&draft, "file", span_of_string(text), &why), &why);
	assert_int_equal(0, mkdirat(draft.fd, "files", 0755));
	/* not before it is whole */
	if (strcmp(text, "one") == 0)
		assert_int_equal(-ENOENT, lazy_folder_open(fixture->store, manifest, &why));
	assert_ok(lazy_draft_commit(&draft, manifest, &why), &why);
}

#endif
