/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/auth.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/challenge.h"
#include "oci/credentials.h"
#include "oci/http.h"
#include "oci/token.h"

/*
 * A registry may hold tokens for dead before their service does, and refuses the replacement some
 * time, too: not so soon. The tries of an upload are no more than RETRY_LONGEST_MS apart.
 */
#define REPLACED_S 10

/* What was good for a scope. Owned strings, times of CLOCK_MONOTONIC. */
struct known {
	char *scopes;
	char *value;
	time_t since;
	time_t until;
	bool is_replacement; /* of one that was refused before its time */
};

struct auth {
	struct http *http; /* borrowed */
	char *registry;    /* owned, as all strings here */
	char *repository;
	char *auth_file;      /* NULL: the usual ones */
	pthread_mutex_t lock; /* held while a token is fetched: others want the same one */
	/* guarded by lock: */
	bool is_searched; /* for credentials */
	struct credentials credentials;
	struct known known[TOKEN_COUNT_MAX];
	unsigned int count;
	unsigned int oldest; /* which makes room for the next, once count is at its maximum */
};

static time_t now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

void auth_value_freep(char **value)
{
	int saved = errno;

	wipe(*value);
	*value = NULL;
	errno = saved;
}

static int copy(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return *ret || !text ? 0 : -ENOMEM;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	for (unsigned int i = 0; i < auth->count; i++) {
		free(auth->known[i].scopes);
		wipe(auth->known[i].value);
	}
	(void)pthread_mutex_destroy(&auth->lock);
	credentials_release(&auth->credentials);
	free(auth->registry);
	free(auth->repository);
	free(auth->auth_file);
	free(auth);
}

void auth_freep(struct auth **auth)
{
	int saved = errno;

	auth_free(*auth);
	errno = saved;
}

int auth_new(struct http *http, const struct auth_options *options, struct auth **ret)
{
	CLEAN(auth_freep) struct auth *auth = calloc(1, sizeof(*auth));
	const struct credentials *given = options->credentials;

	if (!auth)
		return -ENOMEM;
	auth->http = http;
	(void)pthread_mutex_init(&auth->lock, NULL);
	if (copy(options->registry, &auth->registry) < 0 ||
	    copy(options->repository, &auth->repository) < 0 ||
	    copy(options->auth_file, &auth->auth_file) < 0)
		return -ENOMEM;
	if (given) {
		auth->is_searched = true;
		if (copy(given->username, &auth->credentials.username) < 0 ||
		    copy(given->password, &auth->credentials.password) < 0 ||
		    copy(given->identity_token, &auth->credentials.identity_token) < 0)
			return -ENOMEM;
	}
	*ret = TAKE(auth);
	return 0;
}

static struct known *known_find_locked(struct auth *auth, const char *scopes)
{
	for (unsigned int i = 0; i < auth->count; i++) {
		if (strcmp(auth->known[i].scopes, scopes) == 0)
			return &auth->known[i];
	}
	return NULL;
}

char *auth_value(struct auth *auth, const char *scopes)
{
	char *value = NULL;
	struct known *known;

	(void)pthread_mutex_lock(&auth->lock);
	known = known_find_locked(auth, scopes);
	if (known && known->until > now())
		value = strdup(known->value);
	(void)pthread_mutex_unlock(&auth->lock);
	return value;
}

bool auth_is_replaced(struct auth *auth, const char *scopes, const char *value)
{
	const struct known *known;
	bool is_replaced;

	if (!value)
		return false;
	(void)pthread_mutex_lock(&auth->lock);
	known = known_find_locked(auth, scopes);
	is_replaced = known && known->is_replacement && strcmp(known->value, value) == 0 &&
		      now() - known->since <= REPLACED_S;
	(void)pthread_mutex_unlock(&auth->lock);
	return is_replaced;
}

/* value is taken on success. */
static int known_set_locked(struct auth *auth, const char *scopes, char *value, time_t until)
{
	struct known *known = known_find_locked(auth, scopes);
	char *name;

	if (!known) {
		name = strdup(scopes);
		if (!name)
			return -ENOMEM;
		if (auth->count < TOKEN_COUNT_MAX)
			known = &auth->known[auth->count++];
		else
			known = &auth->known[auth->oldest++ % TOKEN_COUNT_MAX];
		free(known->scopes);
		wipe(known->value);
		*known = (struct known){.scopes = name};
	}
	/* Who asks for another one of what is alive was told 401. */
	known->is_replacement = known->value && known->until > now();
	wipe(known->value);
	known->value = value;
	known->since = now();
	known->until = until;
	return 0;
}

static int denied(struct auth *auth, struct diag *why, const char *who, unsigned int status)
{
	if (credentials_are_empty(&auth->credentials))
		return diag_set(why, -EACCES, "%s says %u, and there are no credentials for %s",
				who, status, auth->registry);
	return diag_set(why, -EACCES, "%s says %u to the credentials for %s", who, status,
			auth->registry);
}

static int token_read(struct auth *auth, struct http_response *response, struct token *ret,
		      struct diag *why)
{
	CLEAN(buf_wipe) struct buf text = {0};
	char brief[HTTP_BRIEF_SIZE];
	unsigned int status = http_status(response);
	int r;

	if (status == 401 || status == 403 || (status == 400 && auth->credentials.identity_token))
		return denied(auth, why, "the token server", status);
	if (status != 200)
		return diag_set(why, -EIO, "token server %s says %u",
				http_brief(http_url(response), brief), status);
	r = http_read_all(response, TOKEN_ANSWER_SIZE_MAX, &text, why);
	return r < 0 ? r : token_parse(buf_span(&text), ret, why);
}

static int bearer_locked(struct auth *auth, const char *base, const struct challenge *challenge,
			 const char *scopes, struct diag *why)
{
	CLEAN(http_response_freep) struct http_response *response = NULL;
	CLEAN(token_release) struct token token = {0};
	CLEAN(auth_value_freep) char *value = NULL;
	CLEAN(memory_freep) char *realm = NULL;
	int r;

	if (!challenge->realm)
		return diag_set(why, -EUCLEAN, "the registry wants a token and does not say whose");
	r = http_resolve(auth->http, base, span_of_string(challenge->realm), &realm, why);
	if (r < 0)
		return diag_wrap(why, r, "token server");
	r = token_request(auth->http, realm, challenge, &auth->credentials, scopes, &response, why);
	r = r < 0 ? r : token_read(auth, response, &token, why);
	if (r < 0)
		return r;
	if (asprintf(&value, "Bearer %s", token.text) < 0)
		return -ENOMEM;
	/* A tenth of its life is left for the way. */
	r = known_set_locked(auth, scopes, value,
			     now() + (time_t)token.lifetime_s - (time_t)(token.lifetime_s / 10));
	if (r == 0)
		value = NULL; /* taken */
	return r;
}

static int basic_locked(struct auth *auth, const char *scopes, const char *used, struct diag *why)
{
	CLEAN(auth_value_freep) char *value = NULL;
	int r;

	if (!auth->credentials.password)
		return denied(auth, why, "the registry", 401);
	r = token_basic(&auth->credentials, &value);
	if (r < 0)
		return r;
	if (used && strcmp(used, value) == 0)
		return denied(auth, why, "the registry", 401);
	r = known_set_locked(auth, scopes, value, now() + 365 * 24 * 3600);
	if (r == 0)
		value = NULL; /* taken */
	return r;
}

/* The first challenge of a scheme in any of the fields. */
static int find(const struct http_response *response, const char *scheme, struct challenge *ret)
{
	struct span field;
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && http_header(response, "WWW-Authenticate", i, &field);
	     i++)
		r = challenge_find(field, scheme, ret);
	return r;
}

static int answer_locked(struct auth *auth, const struct http_response *response,
			 const char *scopes, const char *used, struct diag *why)
{
	CLEAN(challenge_release) struct challenge challenge = {0};
	int r = 0;

	if (!auth->is_searched) {
		r = credentials_find(auth->registry, auth->repository, auth->auth_file,
				     &auth->credentials, why);
		if (r < 0)
			return r;
		auth->is_searched = true;
	}
	r = find(response, "Bearer", &challenge);
	if (r == 0)
		return bearer_locked(auth, http_url(response), &challenge, scopes, why);
	if (r == -ENOENT)
		r = find(response, "Basic", &challenge);
	if (r == 0)
		return basic_locked(auth, scopes, used, why);
	if (r == -ENOENT)
		return diag_set(why, -EACCES, "the registry says 401 and not what it wants to see");
	return r == -EUCLEAN ? diag_set(why, r, "the registry's challenge is malformed") : r;
}

int auth_answer(struct auth *auth, const struct http_response *response, const char *scopes,
		const char *used, char **ret, struct diag *why)
{
	struct known *known;
	char *value = NULL;
	int r = 0;

	(void)pthread_mutex_lock(&auth->lock);
	known = known_find_locked(auth, scopes);
	/* Another thread was told the same and has been faster. */
	if (!known || known->until <= now() || (used && strcmp(used, known->value) == 0))
		r = answer_locked(auth, response, scopes, used, why);
	known = r == 0 ? known_find_locked(auth, scopes) : NULL;
	if (known)
		value = strdup(known->value);
	(void)pthread_mutex_unlock(&auth->lock);
	if (r < 0)
		return r;
	if (!value)
		return -ENOMEM;
	*ret = value;
	return 0;
}
