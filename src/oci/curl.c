/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include <errno.h>

#include "base/diag.h"
#include "base/library.h"
#include "oci/curl_private.h"

/* The OpenSSL flavour: one stack of cryptography in the process. Its interface has been 4 since
 * 2006. */
#define CURL_FILE "libcurl.so.4"

static struct curl curl; /* immutable once loaded */

static const struct library_symbol symbols[] = {
	{"curl_global_init", &curl.global_init},
	{"curl_easy_init", &curl.easy_init},
	{"curl_easy_cleanup", &curl.easy_cleanup},
	{"curl_easy_reset", &curl.easy_reset},
	{"curl_easy_pause", &curl.easy_pause},
	{"curl_easy_setopt", &curl.easy_setopt},
	{"curl_easy_getinfo", &curl.easy_getinfo},
	{"curl_easy_strerror", &curl.easy_strerror},
	{"curl_multi_init", &curl.multi_init},
	{"curl_multi_cleanup", &curl.multi_cleanup},
	{"curl_multi_add_handle", &curl.multi_add_handle},
	{"curl_multi_remove_handle", &curl.multi_remove_handle},
	{"curl_multi_setopt", &curl.multi_setopt},
	{"curl_multi_perform", &curl.multi_perform},
	{"curl_multi_poll", &curl.multi_poll},
	{"curl_multi_info_read", &curl.multi_info_read},
	{"curl_slist_append", &curl.slist_append},
	{"curl_slist_free_all", &curl.slist_free_all},
	{"curl_url", &curl.url},
	{"curl_url_cleanup", &curl.url_cleanup},
	{"curl_url_set", &curl.url_set},
	{"curl_url_get", &curl.url_get},
	{"curl_free", &curl.free},
};

static int start(struct diag *why)
{
	return curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK
		       ? 0
		       : diag_set(why, -EOPNOTSUPP, CURL_FILE " does not start");
}

int curl_load(const struct curl **ret, struct diag *why)
{
	static struct library library = {LIBRARY(CURL_FILE, symbols), .start = start};
	int r = library_want(&library, why);

	if (r == 0)
		*ret = &curl;
	return r;
}
