/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * pull_source.c - where an image is pulled from, and what it will be called
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/image_name.h"
#include "oci/reference.h"
#include "ops/image_source.h"
#include "ops/lazy.h"
#include "ops/names.h"
#include "ops/pull_private.h"

/* own_name is what the image calls itself, if it does. */
static int tag_make(const struct pull_request *request, const struct oci_reference *reference,
		    const char *own_name, char **ret, struct diag *why)
{
	CLEAN(buf_release) struct buf text = {0};
	int r;

	if (request->name)
		r = buf_append_string(&text, request->name);
	else if (reference->id_prefix && own_name) /* what read as a name was an id */
		r = buf_append_string(&text, own_name);
	else if (reference->repository)
		r = oci_reference_format_name(reference, &text);
	else if (own_name)
		r = buf_append_string(&text, own_name);
	else
		return diag_set(why, -EINVAL,
				"the image has no name of its own: give one behind it");
	if (r < 0 || !buf_string(&text))
		return -ENOMEM;
	r = oci_tag_check(buf_string(&text), why);
	if (r < 0)
		return r;
	*ret = strdup(buf_string(&text));
	return *ret ? 0 : -ENOMEM;
}

/*
 * What is no reference may be what a lazy pull was told to call its image: the rest of that, then,
 * whatever the registry has under its tag by now. Returns 1 then, with *request to be used.
 */
static int reference_of_lazy(struct pull *pull, struct lazy_image **ret,
			     struct pull_request *request, struct diag *why)
{
	const char *name = pull->request->source;
	struct registry_options options;
	int r = pull->request->is_lazy ? -ENOENT : lazy_image_find(pull->store, name, ret, NULL);

	if (r < 0)
		return 0;
	options = lazy_state_registry(&(*ret)->state);
	*request = *pull->request;
	request->name = request->name ? request->name : name;
	if (request->registry.tls == REGISTRY_TLS_AS_CONFIGURED)
		request->registry.tls = options.tls;
	if (!request->registry.auth_file && !request->registry.credentials)
		request->registry.auth_file = options.auth_file;
	if (!request->registry.registries_conf)
		request->registry.registries_conf = options.registries_conf;
	if (!request->registry.certs_dir)
		request->registry.certs_dir = options.certs_dir;
	r = oci_reference_parse((*ret)->state.source, &pull->reference, why);
	return r < 0 ? r : 1;
}

static int reference_open(struct pull *pull, struct diag *why)
{
	CLEAN(lazy_image_closep) struct lazy_image *lazy = NULL;
	CLEAN(memory_freep) char *own_name = NULL;
	const struct pull_request *request = pull->request;
	struct pull_request of_lazy;
	struct diag reason = {0};
	int r;

	r = oci_reference_parse(request->source, &pull->reference, &reason);
	if (r < 0) {
		int found = reference_of_lazy(pull, &lazy, &of_lazy, why);

		if (found <= 0)
			return found < 0 ? found : diag_set(why, r, "%s", diag_text(&reason, r));
		request = &of_lazy;
	}
	r = image_source_open(&pull->reference, &request->registry, &pull->source, &own_name, why);
	return r < 0 ? r : tag_make(request, &pull->reference, own_name, &pull->result.tag, why);
}

int pull_source(struct pull *pull, struct diag *why)
{
	const struct oci_reference none = {0};
	int r;

	if (pull->source)
		r = tag_make(pull->request, &none, NULL, &pull->result.tag, why);
	else
		r = reference_open(pull, why);
	return r < 0 ? r : name_check_free(pull->store, pull->result.tag, NAME_TAG, why);
}
