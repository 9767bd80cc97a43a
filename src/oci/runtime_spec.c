/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "oci/runtime_spec.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/idmap.h"
#include "base/utf8.h"
#include "oci/json.h"
#include "oci/runtime_spec_private.h"
#include "oci/seccomp.h"

#define SPEC_VERSION "1.0.2"

/* A container that lacks a part of its walls is none: NULL unless r says that all went well. */
static json_t *all_or_nothing(json_t *value, int r)
{
	if (r == 0)
		return value;
	json_decref(value);
	return NULL;
}

static json_t *namespaces(const struct runtime_request *request)
{
	json_t *list = json_pack("[{s:s}, {s:s}, {s:s}, {s:s}]", "type", "pid", "type", "ipc",
				 "type", "uts", "type", "mount");

	int r = 0;

	if (list && request->has_own_network)
		r = json_array_append_new(list, json_pack("{s:s}", "type", "network"));
	if (list && r == 0 && request->maps)
		r = json_array_append_new(list, json_pack("{s:s}", "type", "user"));
	return all_or_nothing(list, r);
}

static json_t *mappings(const struct idmap *map)
{
	json_t *list = json_array();
	int r = 0;

	for (uint32_t i = 0; list && r == 0 && i < map->count; i++)
		r = json_array_append_new(list,
					  json_pack("{s:I, s:I, s:I}", "containerID",
						    (json_int_t)map->extents[i].inside, "hostID",
						    (json_int_t)map->extents[i].outside, "size",
						    (json_int_t)map->extents[i].count));
	return all_or_nothing(list, r);
}

/* What tells of the host or reaches into it (containers/common, default masks). */
static json_t *masked_paths(void)
{
	return json_pack("[s, s, s, s, s, s, s, s, s, s, s]", "/proc/acpi", "/proc/kcore",
			 "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
			 "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
			 "/sys/fs/selinux", "/sys/dev/block");
}

static json_t *readonly_paths(void)
{
	return json_pack("[s, s, s, s, s, s]", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq",
			 "/proc/sys", "/proc/sysrq-trigger");
}

static int seccomp_add(json_t *object, const struct runtime_request *request, struct diag *why)
{
	struct seccomp_host host = {.capabilities = runtime_capabilities};
	json_t *seccomp = NULL;
	int r;

	seccomp_host_find(&host);
	r = seccomp_profile_apply(request->seccomp, &host, &seccomp, why);
	if (r < 0)
		return diag_wrap(why, r, "the seccomp profile");
	return json_object_set_new(object, "seccomp", seccomp) < 0 ? -ENOMEM : 0;
}

json_t *runtime_linux(const struct runtime_request *request, struct diag *why)
{
	json_t *object =
		json_pack("{s:o, s:o, s:o}", "namespaces", namespaces(request), "maskedPaths",
			  masked_paths(), "readonlyPaths", readonly_paths());
	int r = 0;

	if (object && request->maps)
		r = json_object_set_new(object, "uidMappings", mappings(&request->maps->uids));
	if (object && r == 0 && request->maps)
		r = json_object_set_new(object, "gidMappings", mappings(&request->maps->gids));
	if (object && r == 0 && request->seccomp.size)
		r = seccomp_add(object, request, why);
	return all_or_nothing(object, r);
}

/* What jansson gives no string for, with memory to spare. */
static bool is_utf8(const char *text)
{
	return utf8_is_valid(span_of_string(text));
}

/* OCI runtime specification 1.0.2, "POSIX-platform Hooks". */
static json_t *hooks(const struct runtime_request *request)
{
	return json_pack("{s:[{s:s, s:[s, s]}]}", "createContainer", "path", request->hook[0],
			 "args", request->hook[1], request->rootfs);
}

static int document_make(const struct runtime_request *request, json_t **ret, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *process = runtime_process(request, why);
	CLEAN(oci_json_releasep) json_t *mounts = NULL;
	CLEAN(oci_json_releasep) json_t *walls = NULL;
	json_t *document;

	if (process)
		mounts = runtime_mounts(request, why);
	if (!process || !mounts)
		return why->text[0] ? -EINVAL : -ENOMEM;
	if (!is_utf8(request->rootfs) || !is_utf8(request->hostname))
		return diag_set(why, -EINVAL, "'%s' or '%s' is not UTF-8", request->rootfs,
				request->hostname);
	if (request->hook[0] && !is_utf8(request->hook[0]))
		return diag_set(why, -EINVAL, "'%s' is not UTF-8", request->hook[0]);
	walls = runtime_linux(request, why);
	if (!walls)
		return why->text[0] ? -EINVAL : -ENOMEM;
	document = json_pack("{s:s, s:O, s:{s:s, s:b}, s:s, s:O, s:O}", "ociVersion", SPEC_VERSION,
			     "process", process, "root", "path", request->rootfs, "readonly",
			     request->is_read_only, "hostname", request->hostname, "mounts", mounts,
			     "linux", walls);
	if (!document)
		return -ENOMEM;
	if (request->hook[0] && json_object_set_new(document, "hooks", hooks(request)) < 0) {
		json_decref(document);
		return -ENOMEM;
	}
	*ret = document;
	return 0;
}

int runtime_spec_write(const struct runtime_request *request, struct buf *ret, struct diag *why)
{
	CLEAN(oci_json_releasep) json_t *document = NULL;
	CLEAN(memory_freep) char *text = NULL;
	struct diag own = {0}; /* tells a wrong request from too little memory */
	int r;

	r = document_make(request, &document, &own);
	if (r < 0)
		return diag_set(why, r, "%s", diag_text(&own, r));
	text = json_dumps(document, JSON_INDENT(2));
	if (!text)
		return -ENOMEM;
	r = buf_append_string(ret, text);
	return r < 0 ? r : buf_append_byte(ret, '\n');
}
