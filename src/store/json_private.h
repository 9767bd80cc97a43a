/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * json_private.h - what the two files of this room that are JSON share: meta.json, records
 */
#ifndef LAMINA_STORE_JSON_PRIVATE_H
#define LAMINA_STORE_JSON_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>

/* Jansson says nothing at all where it runs out of memory before it begins. */
static inline bool json_is_out_of_memory(const json_error_t *error)
{
	return !error->text[0] || json_error_code(error) == json_error_out_of_memory;
}

/* For CLEAN(json_releasep) json_t *root = NULL; */
static inline void json_releasep(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}

#endif
