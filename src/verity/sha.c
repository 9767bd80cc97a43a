/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "verity/sha.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "verity/crypto_private.h"

struct sha {
	const struct crypto *crypto;
	enum digest_algorithm algorithm;
	EVP_MD_CTX *context; /* owned */
};

static int start(struct sha *sha)
{
	return sha->crypto->init(sha->context, sha->crypto->md[sha->algorithm], NULL) ? 0 : -EIO;
}

int sha_new(enum digest_algorithm algorithm, struct sha **ret, struct diag *why)
{
	CLEAN(sha_freep) struct sha *sha = NULL;
	const struct crypto *crypto;
	int r;

	if (digest_size(algorithm) == 0)
		return diag_set(why, -EINVAL, "no hash algorithm");
	r = crypto_load(&crypto, why);
	if (r < 0)
		return r;
	if (!crypto->md[algorithm])
		return diag_set(why, -EOPNOTSUPP, "libcrypto has no %s",
				digest_algorithm_name(algorithm));
	sha = calloc(1, sizeof(*sha));
	if (!sha)
		return -ENOMEM;
	sha->crypto = crypto;
	sha->algorithm = algorithm;
	sha->context = crypto->context_new();
	if (!sha->context || start(sha) < 0)
		return -ENOMEM;
	*ret = TAKE(sha);
	return 0;
}

void sha_free(struct sha *sha)
{
	if (!sha)
		return;
	sha->crypto->context_free(sha->context);
	free(sha);
}

void sha_freep(struct sha **sha)
{
	sha_free(*sha);
	*sha = NULL;
}

int sha_update(struct sha *sha, struct span bytes)
{
	return bytes.size == 0 || sha->crypto->update(sha->context, bytes.data, bytes.size) ? 0
											    : -EIO;
}

int sha_finish(struct sha *sha, struct digest *ret)
{
	struct digest digest = {.algorithm = (uint8_t)sha->algorithm};

	if (!sha->crypto->final(sha->context, digest.bytes, NULL))
		return -EIO;
	*ret = digest;
	return start(sha);
}

int sha_of(enum digest_algorithm algorithm, struct span bytes, struct digest *ret, struct diag *why)
{
	CLEAN(sha_freep) struct sha *sha = NULL;
	int r = sha_new(algorithm, &sha, why);

	if (r == 0)
		r = sha_update(sha, bytes);
	return r < 0 ? r : sha_finish(sha, ret);
}
