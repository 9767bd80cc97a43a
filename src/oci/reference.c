/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/limits.h"
#include "oci/descriptor.h"
#include "oci/reference_private.h"

#define INDEX_DIGITS_MAX 9 /* more images than any archive has, and far from overflow */

static const char *const transport_names[OCI_TRANSPORT_COUNT] = {
	[OCI_TRANSPORT_DOCKER] = "docker",
	[OCI_TRANSPORT_OCI] = "oci",
	[OCI_TRANSPORT_OCI_ARCHIVE] = "oci-archive",
	[OCI_TRANSPORT_DOCKER_ARCHIVE] = "docker-archive",
	[OCI_TRANSPORT_DIR] = "dir",
	[OCI_TRANSPORT_STORAGE] = "containers-storage",
};

/* What containers-transports(5) has and we lack, and what people paste from a browser. */
static const char *const foreign_transports[] = {"atomic", "docker-daemon", "ostree", "sif",
						 "tarball"};
static const char *const url_schemes[] = {"http", "https", "oci+http", "oci+https"};

const char *oci_transport_name(enum oci_transport transport)
{
	return transport_names[transport];
}

void oci_reference_release(struct oci_reference *reference)
{
	int saved = errno;

	free(reference->registry);
	free(reference->repository);
	free(reference->tag);
	free(reference->path);
	free(reference->name);
	free(reference->store);
	free(reference->image_id);
	free(reference->id_prefix);
	*reference = (struct oci_reference){0};
	errno = saved;
}

static int set(char **field, struct span text)
{
	*field = reference_copy(text);
	return *field ? 0 : -ENOMEM;
}

static bool is_hex(struct span text)
{
	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return text.size > 0;
}

/*
 * org.opencontainers.image.ref.name, OCI image specification 1.1, "Pre-Defined Annotation Keys":
 *   component *("/" component), component = alnum *(separator alnum),
 *   separator = one of "-._:@+", or "--"
 */
static bool ref_name_is_valid(struct span text)
{
	size_t separators = 1; /* since the last letter or digit; one may not begin the name */

	for (size_t i = 0; i < text.size; i++) {
		uint8_t c = text.data[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
			separators = 0;
			continue;
		}
		if (!c || !strchr("-._:@+/", c))
			return false;
		if (separators > 1 ||
		    (separators == 1 && (c != '-' || i == 0 || text.data[i - 1] != '-')))
			return false;
		separators++;
	}
	return separators == 0;
}

/* "@12" */
static int index_parse(struct span text, struct oci_reference *reference, struct diag *why)
{
	int64_t index = 0;

	for (size_t i = 1; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' || text.size > INDEX_DIGITS_MAX + 1)
			text.size = 1;
		else
			index = 10 * index + (text.data[i] - '0');
	}
	if (text.size < 2)
		return diag_set(why, -EINVAL, "what follows '@' is not the index of an image");
	reference->index = index;
	return 0;
}

/* FILE[:NAME], FILE[:@INDEX]: the path ends at the first colon. */
static int archive_parse(struct span rest, struct oci_reference *reference, struct diag *why)
{
	const uint8_t *colon = rest.size ? memchr(rest.data, ':', rest.size) : NULL;
	struct span path = rest, name = SPAN_EMPTY;
	int r;

	if (colon) {
		path.size = (size_t)(colon - rest.data);
		(void)span_from(rest, path.size + 1, &name);
	}
	if (path.size == 0)
		return diag_set(why, -EINVAL, "there is no path behind '%s:'",
				oci_transport_name(reference->transport));
	r = set(&reference->path, path);
	if (r < 0 || !colon)
		return r;
	if (name.size && name.data[0] == '@')
		return index_parse(name, reference, why);
	if (reference->transport != OCI_TRANSPORT_DOCKER_ARCHIVE) {
		if (!ref_name_is_valid(name))
			return diag_set(why, -EINVAL,
					"'%.*s' is not the name of an image in a layout",
					(int)name.size, (const char *)name.data);
		return set(&reference->name, name);
	}
	r = reference_name_parse(name, reference, why);
	if (r == 0 && reference->digest.algorithm != DIGEST_NONE)
		return diag_set(why, -EINVAL, "an image in a docker-archive has no digest");
	return r;
}

static int dir_parse(struct span rest, struct oci_reference *reference, struct diag *why)
{
	if (rest.size == 0)
		return diag_set(why, -EINVAL, "there is no path behind 'dir:'");
	return set(&reference->path, rest);
}

/* NAME[@ID]; the id is told from a digest by having no algorithm. */
static int storage_name_parse(struct span rest, struct oci_reference *reference, struct diag *why)
{
	const size_t id_size = 2 * digest_size(DIGEST_SHA256);
	const uint8_t *at = rest.size ? memrchr(rest.data, '@', rest.size) : NULL;
	struct span id;
	int r = 0;

	if (is_hex(rest) && rest.size == id_size)
		return set(&reference->image_id, rest);
	if (is_hex(rest) && rest.size >= 3 && rest.size < id_size)
		r = set(&reference->id_prefix, rest);
	if (r < 0)
		return r;
	if (at && span_from(rest, (uint64_t)(at - rest.data) + 1, &id) && is_hex(id) &&
	    id.size == id_size) {
		r = set(&reference->image_id, id);
		rest.size -= id.size + 1;
		if (r < 0 || rest.size == 0)
			return r;
	}
	return reference_name_parse(rest, reference, why);
}

static int storage_parse(struct span rest, struct oci_reference *reference, struct diag *why)
{
	const uint8_t *end;
	struct span store;
	int r;

	if (rest.size && rest.data[0] == '[') {
		end = memchr(rest.data, ']', rest.size);
		if (!end || !span_cut(rest, 1, (uint64_t)(end - rest.data) - 1, &store) ||
		    store.size == 0)
			return diag_set(why, -EINVAL,
					"'[' begins a store, which has to end in ']'");
		r = set(&reference->store, store);
		if (r < 0)
			return r;
		(void)span_from(rest, store.size + 2, &rest);
	}
	return storage_name_parse(rest, reference, why);
}

static bool is_one_of(struct span word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (span_equal(word, span_of_string(list[i])))
			return true;
	}
	return false;
}

/* No transport: the full name of an image in a registry. */
static int bare_parse(struct span text, struct oci_reference *reference, struct diag *why)
{
	CLEAN(oci_reference_release) struct oci_reference guess = {0};
	CLEAN(buf_release) struct buf full = {0};

	if (reference_has_host(text))
		return reference_name_parse(text, reference, why);
	if (reference_name_parse(text, &guess, NULL) < 0 ||
	    oci_reference_format_name(&guess, &full) < 0 || !buf_string(&full))
		return diag_set(why, -EINVAL, "'%.*s' is neither TRANSPORT:PATH nor HOST/NAME",
				(int)text.size, (const char *)text.data);
	return diag_set(why, -EINVAL, "short name '%.*s' does not say which registry; in full: %s",
			(int)text.size, (const char *)text.data, buf_string(&full));
}

static int transport_parse(struct span text, struct oci_reference *reference, struct diag *why)
{
	const uint8_t *colon = text.size ? memchr(text.data, ':', text.size) : NULL;
	struct span word = span_of(text.data, colon ? (size_t)(colon - text.data) : 0);
	struct span rest = SPAN_EMPTY;

	(void)span_from(text, word.size + 1, &rest);
	if (is_one_of(word, foreign_transports, sizeof(foreign_transports) / sizeof(char *)))
		return diag_set(why, -EOPNOTSUPP, "there is no transport '%.*s' here",
				(int)word.size, (const char *)word.data);
	if (is_one_of(word, url_schemes, sizeof(url_schemes) / sizeof(char *)))
		return diag_set(why, -EINVAL, "a registry is named by docker://HOST/NAME");
	if (span_equal(word, SPAN_LITERAL("docker")) &&
	    span_starts_with(rest, SPAN_LITERAL("//"))) {
		(void)span_from(rest, 2, &rest);
		return reference_name_parse(rest, reference, why);
	}
	for (size_t i = OCI_TRANSPORT_OCI; i < OCI_TRANSPORT_COUNT; i++) {
		if (!span_equal(word, span_of_string(transport_names[i])))
			continue;
		reference->transport = (enum oci_transport)i;
		if (i == OCI_TRANSPORT_DIR)
			return dir_parse(rest, reference, why);
		return i == OCI_TRANSPORT_STORAGE ? storage_parse(rest, reference, why)
						  : archive_parse(rest, reference, why);
	}
	return bare_parse(text, reference, why);
}

int oci_reference_parse(const char *text, struct oci_reference *ret, struct diag *why)
{
	CLEAN(oci_reference_release) struct oci_reference reference = {.index = -1};
	size_t size = strlen(text);
	int r;

	if (size == 0 || size > REFERENCE_SIZE_MAX)
		return diag_set(why, -EINVAL, "a reference has 1 to %d bytes", REFERENCE_SIZE_MAX);
	r = transport_parse(span_of(text, size), &reference, why);
	if (r < 0)
		return r;
	*ret = reference;
	reference = (struct oci_reference){0}; /* handed over */
	return 0;
}

int oci_reference_format_name(const struct oci_reference *reference, struct buf *ret)
{
	char digest[OCI_DIGEST_SIZE_MAX];
	size_t before = ret->size;
	int r = 0;

	if (reference->repository)
		r = buf_printf(ret, "%s/%s", reference->registry, reference->repository);
	if (r == 0 && reference->tag)
		r = buf_printf(ret, ":%s", reference->tag);
	if (r == 0 && reference->digest.algorithm != DIGEST_NONE)
		r = buf_printf(ret, "@%s", oci_digest_text(&reference->digest, digest));
	if (r < 0)
		ret->size = before;
	return r;
}
