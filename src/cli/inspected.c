/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/inspected.h"

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/digest.h"
#include "cli/report.h"
#include "ops/inspect.h"
#include "ops/repository.h"

int inspected_open(const char *repo, const char *text, struct inspected **ret)
{
	CLEAN(repository_closep) struct store *store = NULL;
	struct diag why = {0};
	int r;

	r = repository_open(repo, &store, &why);
	if (r == 0)
		r = inspect_image(store, text, ret, &why);
	return r < 0 ? report_failure(r, &why, "inspect '%s'", text) : 0;
}

void inspected_json_digest(struct json *json, const char *key, const struct digest *digest)
{
	if (digest->algorithm == DIGEST_NONE)
		json_text(json, key, NULL);
	else
		json_digest(json, key, digest);
}

unsigned int percent_of(uint64_t part, uint64_t whole)
{
	return part >= whole ? 100 : (unsigned int)((double)part / (double)whole * 100);
}

char *size_text(uint64_t bytes, char text[SIZE_TEXT_MAX])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	double value = (double)bytes / 1e3;
	size_t unit = 0;

	if (bytes < 1000) {
		(void)snprintf(text, SIZE_TEXT_MAX, "%u B", (unsigned int)bytes);
		return text;
	}
	for (; value >= 999.95 && unit < 3; unit++)
		value /= 1e3;
	(void)snprintf(text, SIZE_TEXT_MAX, "%.1f %s", value, units[unit]);
	return text;
}
