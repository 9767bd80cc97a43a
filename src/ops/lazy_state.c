/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/json.h"
#include "ops/lazy.h"

#define STATE_VERSION 1

static const char *const tls_names[] = {
	[REGISTRY_TLS_AS_CONFIGURED] = "configured",
	[REGISTRY_TLS_VERIFIED] = "verified",
	[REGISTRY_TLS_UNVERIFIED] = "unverified",
};
#define TLS_COUNT (sizeof(tls_names) / sizeof(tls_names[0]))

void lazy_state_release(struct lazy_state *state)
{
	int saved = errno;

	free(state->source);
	free(state->auth_file);
	free(state->registries_conf);
	free(state->certs_dir);
	free(state->layers);
	*state = (struct lazy_state){0};
	errno = saved;
}

struct registry_options lazy_state_registry(const struct lazy_state *state)
{
	return (struct registry_options){
		.tls = state->tls,
		.auth_file = state->auth_file,
		.registries_conf = state->registries_conf,
		.certs_dir = state->certs_dir,
	};
}

/* Writing */

static json_t *layer_format(const struct lazy_layer *layer)
{
	char digest[OCI_DIGEST_SIZE_MAX], hex[DIGEST_HEX_SIZE_MAX];
	bool is_here = layer->stream.algorithm != DIGEST_NONE;

	return json_pack("{s:s, s:I, s:s?}", "digest", oci_digest_text(&layer->blob.digest, digest),
			 "size", (json_int_t)layer->blob.size, "stream",
			 is_here ? digest_hex(&layer->stream, hex) : NULL);
}

int lazy_state_format(const struct lazy_state *state, struct buf *ret)
{
	json_t *layers = json_array(), *root;
	char *text = NULL;
	int r = layers ? 0 : -ENOMEM;

	for (size_t i = 0; i < state->layer_count && r == 0; i++)
		r = json_array_append_new(layers, layer_format(&state->layers[i])) < 0 ? -ENOMEM
										       : 0;
	/* The array is taken. */
	root = json_pack("{s:i, s:s, s:s, s:s?, s:s?, s:s?, s:I, s:I, s:o}", "version",
			 STATE_VERSION, "source", state->source, "tls", tls_names[state->tls],
			 "auth_file", state->auth_file, "registries_conf", state->registries_conf,
			 "certs_dir", state->certs_dir, "content_count",
			 (json_int_t)state->content_count, "content_bytes",
			 (json_int_t)state->content_bytes, "layers", layers);
	if (r == 0 && root)
		text = json_dumps(root, JSON_INDENT(2));
	json_decref(root);
	if (!text)
		return -ENOMEM;
	r = buf_append_string(ret, text);
	free(text);
	return r;
}

/* Reading */

static int text_copy(const json_t *root, const char *key, char **ret, struct diag *why)
{
	const char *text;
	int r = oci_json_text(root, key, &text, why);

	if (r < 0 || !text)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int tls_take(const json_t *root, enum registry_tls *ret, struct diag *why)
{
	const char *text;
	int r = oci_json_text_needed(root, "tls", &text, why);

	if (r < 0)
		return r;
	for (size_t i = 0; i < TLS_COUNT; i++) {
		if (strcmp(text, tls_names[i]) == 0) {
			*ret = (enum registry_tls)i;
			return 0;
		}
	}
	return diag_set(why, -EUCLEAN, "'tls' is '%.50s'", text);
}

static int layer_take(const json_t *item, struct lazy_layer *ret, struct diag *why)
{
	const char *digest, *stream;
	int r = oci_json_text_needed(item, "digest", &digest, why);

	if (r == 0)
		r = oci_json_number_needed(item, "size", &ret->blob.size, why);
	if (r == 0)
		r = oci_json_text(item, "stream", &stream, why);
	if (r < 0)
		return r;
	if (oci_digest_parse(span_of_string(digest), &ret->blob.digest) < 0 ||
	    (stream && digest_parse(span_of_string(stream), &ret->stream) < 0))
		return diag_set(why, -EUCLEAN, "a layer has a digest that is none");
	return 0;
}

static int layers_take(const json_t *root, struct lazy_state *state, struct diag *why)
{
	const json_t *items;
	int r = oci_json_array(root, "layers", &items, why);
	size_t count = json_array_size(items);

	if (r < 0)
		return r;
	if (count > LAYER_COUNT_MAX)
		return diag_set(why, -E2BIG, "more than %d layers", LAYER_COUNT_MAX);
	state->layers = calloc(count + 1, sizeof(*state->layers));
	if (!state->layers)
		return -ENOMEM;
	for (; state->layer_count < count && r == 0; state->layer_count++)
		r = layer_take(json_array_get(items, state->layer_count),
			       &state->layers[state->layer_count], why);
	return r;
}

static int fields_take(const json_t *root, struct lazy_state *state, struct diag *why)
{
	uint64_t version;
	int r = oci_json_number_needed(root, "version", &version, why);

	if (r == 0 && version != STATE_VERSION)
		return diag_set(why, -EOPNOTSUPP, "it is of version %llu",
				(unsigned long long)version);
	if (r == 0)
		r = text_copy(root, "source", &state->source, why);
	if (r == 0 && !state->source)
		r = diag_set(why, -EUCLEAN, "'source' is missing");
	if (r == 0)
		r = tls_take(root, &state->tls, why);
	if (r == 0)
		r = text_copy(root, "auth_file", &state->auth_file, why);
	if (r == 0)
		r = text_copy(root, "registries_conf", &state->registries_conf, why);
	if (r == 0)
		r = text_copy(root, "certs_dir", &state->certs_dir, why);
	if (r == 0)
		r = oci_json_number_needed(root, "content_count", &state->content_count, why);
	if (r == 0)
		r = oci_json_number_needed(root, "content_bytes", &state->content_bytes, why);
	return r < 0 ? r : layers_take(root, state, why);
}

int lazy_state_parse(struct span text, struct lazy_state *ret, struct diag *why)
{
	CLEAN(lazy_state_release) struct lazy_state state = {0};
	CLEAN(oci_json_releasep) json_t *root = NULL;
	int r = oci_json_object_load(text, &root, why);

	if (r == 0)
		r = fields_take(root, &state, why);
	if (r < 0)
		return r;
	*ret = state;
	state = (struct lazy_state){0};
	return 0;
}
