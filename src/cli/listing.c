/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
#include "cli/listing.h"

#include <stdio.h>
#include <sys/stat.h>

#include "ops/listing.h"

static void print_bytes(FILE *out, const char *head, struct span bytes)
{
	(void)fputs(head, out);
	(void)fwrite(bytes.data, 1, bytes.size, out);
}

int listing_print_path(void *context, const struct listing_entry *entry, struct diag *why)
{
	FILE *out = context;

	(void)why;
	print_bytes(out, "", entry->path);
	if (S_ISDIR(entry->mode))
		(void)fputs("/\t", out);
	else if (S_ISLNK(entry->mode))
		print_bytes(out, "\t-> ", entry->target);
	else if (entry->object.size)
		print_bytes(out, "\t@ ", entry->object);
	(void)fputc('\n', out);
	return 0;
}

int listing_print_object(void *context, const struct listing_object *object, struct diag *why)
{
	(void)why;
	print_bytes(context, "", object->path);
	(void)fputc('\n', context);
	return 0;
}
