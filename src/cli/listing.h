/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * listing.h - lines that 'lamina ls' and composefs-info print alike
 */
#ifndef LAMINA_CLI_LISTING_H
#define LAMINA_CLI_LISTING_H

struct diag;           /* base/diag.h */
struct listing_entry;  /* ops/listing.h */
struct listing_object; /* ops/listing.h */

/*
 * "/path", with a slash and a tab behind a directory, "-> target" behind a symlink, "@ object"
 * behind an external file, each after a tab: the line of composefs-info ls. A listing_visit;
 * context is a FILE *.
 */
int listing_print_path(void *context, const struct listing_entry *entry, struct diag *why);

/* The backing path: the line of composefs-info objects. A listing_object_visit; context is a FILE
 * *. */
int listing_print_object(void *context, const struct listing_object *object, struct diag *why);

#endif
