/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * features.h - what this process may use on this kernel, as rows to print
 */
#ifndef LAMINA_OPS_FEATURES_H
#define LAMINA_OPS_FEATURES_H

#include <stdbool.h>

struct feature_row {
	const char *name;
	const char *summary;
	const char *why; /* what is missing; NULL when available */
	bool available;
};

typedef void feature_visit(void *context, const struct feature_row *row);

/* Visit all in a fixed order. Each is found out by trying. */
void features_visit(feature_visit *visit, void *context);

#endif
