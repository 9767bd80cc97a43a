/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * curl_private.h - what we use of libcurl, loaded when the first registry is asked
 *
 * docs/decisions/0009 has the reason. Only the files of http.h know libcurl.
 */
#ifndef LAMINA_OCI_CURL_PRIVATE_H
#define LAMINA_OCI_CURL_PRIVATE_H

#include <curl/curl.h>

struct diag; /* base/diag.h */

/* Immutable once loaded; for the life of the process. Functions as in libcurl(3). */
struct curl {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_reset) *easy_reset;
	__typeof__(curl_easy_pause) *easy_pause;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_multi_init) *multi_init;
	__typeof__(curl_multi_cleanup) *multi_cleanup;
	__typeof__(curl_multi_add_handle) *multi_add_handle;
	__typeof__(curl_multi_remove_handle) *multi_remove_handle;
	__typeof__(curl_multi_setopt) *multi_setopt;
	__typeof__(curl_multi_perform) *multi_perform;
	__typeof__(curl_multi_poll) *multi_poll;
	__typeof__(curl_multi_info_read) *multi_info_read;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	__typeof__(curl_url) *url;
	__typeof__(curl_url_cleanup) *url_cleanup;
	__typeof__(curl_url_set) *url_set;
	__typeof__(curl_url_get) *url_get;
	__typeof__(curl_free) *free;
};

/* Any thread. Sets *ret, or returns -EOPNOTSUPP where there is no libcurl. */
int curl_load(const struct curl **ret, struct diag *why);

#endif
