/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * A docker-archive: <hex>.json is the config, <hex>.tar each layer without compression, and
 * manifest.json says which is which; as skopeo writes it.
 */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "oci/json.h"
#include "oci/manifest.h"
#include "oci/target.h"
#include "ops/files_out.h"
#include "ops/target_private.h"

#define FILE_NAME_SIZE_MAX (DIGEST_HEX_SIZE_MAX + 8)
#define CONFIG_SUFFIX ".json"
#define LAYER_SUFFIX ".tar"

struct target_docker {
	struct oci_target_base base;
	struct files_out *out; /* owned */
	char *name;            /* owned; NULL: none */
	pthread_mutex_t lock;
	/* guarded by lock: */
	struct digest *written; /* owned; blobs that are in the archive: a name may not be twice */
	size_t written_count;
};

static char *file_name(const struct digest *digest, const char *suffix, char *name)
{
	char hex[DIGEST_HEX_SIZE_MAX];

	(void)snprintf(name, FILE_NAME_SIZE_MAX, "%s%s", digest_hex(digest, hex), suffix);
	return name;
}

static bool has_locked(const struct target_docker *docker, const struct digest *digest)
{
	for (size_t i = 0; i < docker->written_count; i++) {
		if (digest_equal(&docker->written[i], digest))
			return true;
	}
	return false;
}

static int docker_has_blob(struct oci_target *target, const struct oci_descriptor *blob,
			   struct diag *why)
{
	struct target_docker *docker = (struct target_docker *)target;
	bool has;

	(void)why;
	(void)pthread_mutex_lock(&docker->lock);
	has = has_locked(docker, &blob->digest);
	(void)pthread_mutex_unlock(&docker->lock);
	return has;
}

static int note_locked(struct target_docker *docker, const struct digest *digest)
{
	struct digest *written =
		reallocarray(docker->written, docker->written_count + 1, sizeof(*docker->written));

	if (!written)
		return -ENOMEM;
	docker->written = written;
	written[docker->written_count++] = *digest;
	return 0;
}

/* Layers have a media type of layers, everything else is the config. */
static bool is_config(const struct oci_descriptor *blob)
{
	return strstr(blob->media_type, "config") || strstr(blob->media_type, "container.image");
}

static int docker_put_blob(struct oci_target *target, const struct oci_descriptor *blob,
			   const struct reader *bytes, struct diag *why)
{
	struct target_docker *docker = (struct target_docker *)target;
	char name[FILE_NAME_SIZE_MAX];
	int r = 0;

	file_name(&blob->digest, is_config(blob) ? CONFIG_SUFFIX : LAYER_SUFFIX, name);
	(void)pthread_mutex_lock(&docker->lock);
	if (!has_locked(docker, &blob->digest)) {
		r = files_out_put(docker->out, name, blob, bytes, why);
		if (r == 0)
			r = note_locked(docker, &blob->digest);
	}
	(void)pthread_mutex_unlock(&docker->lock);
	return r;
}

static json_t *entry_json(const struct target_docker *docker, const struct oci_manifest *manifest)
{
	char name[FILE_NAME_SIZE_MAX];
	json_t *layers = json_array();
	json_t *tags = docker->name ? json_pack("[s]", docker->name) : json_array();
	int r = 0;

	for (size_t i = 0; i < manifest->count && r == 0; i++)
		r = json_array_append_new(
			layers, json_string(file_name(&manifest->items[i].descriptor.digest,
						      LAYER_SUFFIX, name)));
	if (r < 0) {
		json_decref(layers);
		layers = NULL;
	}
	file_name(&manifest->config.descriptor.digest, CONFIG_SUFFIX, name);
	/* "o" takes both, and NULL is a failure */
	return json_pack("[{s:s, s:o, s:o}]", "Config", name, "RepoTags", tags, "Layers", layers);
}

static int docker_put_manifest(struct oci_target *target, const struct digest *digest,
			       struct span bytes, const char *media_type, bool is_named,
			       struct diag *why)
{
	struct target_docker *docker = (struct target_docker *)target;
	CLEAN(oci_manifest_freep) struct oci_manifest *manifest = NULL;
	CLEAN(oci_json_releasep) json_t *list = NULL;
	CLEAN(memory_freep) char *text = NULL;
	int r;

	(void)digest; /* nothing in the archive is called by it */
	if (!is_named)
		return 0;
	r = oci_manifest_parse(bytes, media_type, &manifest, why);
	if (r < 0)
		return r;
	if (oci_manifest_is_index(manifest) || oci_manifest_is_artifact(manifest))
		return diag_set(why, -EOPNOTSUPP, "a docker-archive holds images of containers");
	list = entry_json(docker, manifest);
	text = list ? json_dumps(list, JSON_COMPACT) : NULL;
	if (!text)
		return -ENOMEM;
	return files_out_put_span(docker->out, "manifest.json", span_of_string(text), why);
}

static int docker_finish(struct oci_target *target, struct diag *why)
{
	return files_out_finish(((struct target_docker *)target)->out, why);
}

static void docker_close(struct oci_target *target)
{
	struct target_docker *docker = (struct target_docker *)target;

	files_out_close(docker->out);
	(void)pthread_mutex_destroy(&docker->lock);
	free(docker->written);
	free(docker->name);
	free(docker);
}

static const struct oci_target_ops docker_ops = {
	.has_blob = docker_has_blob,
	.put_blob = docker_put_blob,
	.put_manifest = docker_put_manifest,
	.finish = docker_finish,
	.close = docker_close,
};

int target_docker_new(struct files_out *out, const char *name, struct oci_target **ret)
{
	struct target_docker *docker = calloc(1, sizeof(*docker));

	if (docker && name)
		docker->name = strdup(name);
	if (!docker || (name && !docker->name)) {
		free(docker);
		files_out_close(out);
		return -ENOMEM;
	}
	docker->base.ops = &docker_ops;
	docker->out = out;
	(void)pthread_mutex_init(&docker->lock, NULL);
	*ret = (struct oci_target *)docker;
	return 0;
}
