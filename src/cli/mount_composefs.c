/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * mount_composefs.c - the options of mount.composefs(8) on top of ops/mount
 *
 * Called by hand, by scripts, and by mount(8) for type composefs: exit status 1 for every failure.
 * Beyond what it translates: whoever may not use the kernel's EROFS gets one of the other modes,
 * basedir= may be repeated, and the options and letters that mount(8) adds are understood.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "cli/attributes.h"
#include "cli/command.h"
#include "ops/mount.h"

#define PROGRAM "mount.composefs"

struct helper {
	struct buf dirs; /* owned; "DIR[:DIR...]" */
	const char *digest;
	const char *idmap;
	const char *upper;
	const char *work;
	bool verity;
	bool try_verity;
	bool is_sloppy; /* -s: options that are not known are passed over */
	bool is_fake;   /* -f: everything but the mount itself */
	uint64_t attributes;
};

static int usage(FILE *out, int status)
{
	(void)fputs(
		"usage: " PROGRAM " [-t type] [-o opt[,opt..]] IMAGE MOUNTPOINT\n"
		"or: mount -t composefs -o basedir=DIR IMAGE MOUNTPOINT\n"
		"\n"
		"options:\n"
		"  basedir=DIR[:DIR...]   where the contents of files are; may be repeated\n"
		"  digest=HEX             fs-verity digest of the image; implies verity\n"
		"  verity                 every file has a digest, and its content fs-verity\n"
		"  tryverity              the same, where kernel and file system can do it\n"
		"  upperdir=DIR           make it writable: changes go here\n"
		"  workdir=DIR            empty directory on the file system of upperdir\n"
		"  idmap=PATH             show owners as this user namespace has them\n"
		"  ro, rw                 read-only, or not (without upperdir it always is)\n"
		"  nosuid, nodev, noexec, noatime, nosymfollow, ...   as of mount(8)\n"
		"\n"
		"A comma or backslash in a value has a backslash before it. Letters of mount(8):\n"
		"-f mounts nothing, -s passes over options that are not known, -n and -v do "
		"nothing.\n",
		out);
	return status;
}

__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...)
{
	va_list arguments;

	(void)fputs(PROGRAM ": ", stderr);
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	return STATUS_FAILED;
}

/* In place: a backslash goes, what follows it stays. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

/*
 * Cut the first option off *rest, which becomes NULL behind the last. *ret_value is NULL where
 * there is no '='.
 */
static char *option_next(char **rest, char **ret_value)
{
	char *key = *rest, *equal = NULL, *end = key;

	for (; *end && *end != ','; end++) {
		if (*end == '=' && !equal)
			equal = end;
		else if (*end == '\\' && end[1])
			end++;
	}
	*rest = *end ? end + 1 : NULL;
	*end = '\0';
	*ret_value = equal ? equal + 1 : NULL;
	if (equal) {
		*equal = '\0';
		unescape(*ret_value);
	}
	return key;
}

static int dirs_add(struct helper *helper, const char *list)
{
	int r = helper->dirs.size ? buf_append_byte(&helper->dirs, ':') : 0;

	if (r == 0)
		r = buf_append_string(&helper->dirs, list);
	return r < 0 ? fail("Out of memory") : STATUS_DONE;
}

/* What is for mount(8) itself, or for fstab(5), and may reach a helper all the same. */
static bool is_for_others(const char *key)
{
	static const char *const words[] = {"_netdev", "auto",  "noauto", "nofail",
					    "silent",  "loud",  "user",   "nouser",
					    "users",   "owner", "group",  "comment"};

	if (strncmp(key, "x-", 2) == 0 || strncmp(key, "X-", 2) == 0)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(key, words[i]) == 0)
			return true;
	}
	return false;
}

static int option_apply(struct helper *helper, const char *key, const char *value)
{
	const struct {
		const char *key;
		const char **field;
	} texts[] = {
		{"basedir", NULL},          {"digest", &helper->digest},
		{"idmap", &helper->idmap},  {"upperdir", &helper->upper},
		{"workdir", &helper->work},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(key, texts[i].key) != 0)
			continue;
		if (!value)
			return fail("No value specified for %s option", key);
		if (!texts[i].field)
			return dirs_add(helper, value);
		*texts[i].field = value;
		return STATUS_DONE;
	}
	if (strcmp(key, "verity") == 0)
		helper->verity = true;
	else if (strcmp(key, "tryverity") == 0)
		helper->try_verity = true;
	else if (!attribute_apply(span_of_string(key), &helper->attributes) &&
		 !is_for_others(key) && !helper->is_sloppy)
		return fail("Unsupported option %s", key);
	return STATUS_DONE;
}

static int options_apply(struct helper *helper, char *options)
{
	while (options && *options) {
		char *value;
		char *key = option_next(&options, &value);
		int status = *key ? option_apply(helper, key, value) : STATUS_DONE;

		if (status != STATUS_DONE)
			return status;
	}
	return STATUS_DONE;
}

/* A word for what takes names as well as paths, made to be a path. */
static char *path_of(const char *word)
{
	char *path;

	if (word[0] == '/' || word[0] == '.')
		return strdup(word);
	return asprintf(&path, "./%s", word) < 0 ? NULL : path;
}

static int request_fill(struct helper *helper, struct mount_request *request)
{
	if (!helper->dirs.size) {
		(void)fputs("No object dirs specified\n", stderr);
		return usage(stderr, STATUS_FAILED);
	}
	if (!helper->upper != !helper->work)
		return fail("Both workdir and upperdir must be specified if used");
	if (helper->digest && digest_parse(span_of_string(helper->digest), &request->digest) < 0)
		return fail("digest '%s' is not one in hex digits", helper->digest);
	request->objects = buf_string(&helper->dirs);
	request->upper = helper->upper;
	request->work = helper->work;
	request->attributes = helper->attributes;
	request->believes_image = true; /* unless there is a digest */
	request->label = "composefs";
	request->verity = helper->verity || helper->digest ? MOUNT_VERITY_REQUIRE
			  : helper->try_verity             ? MOUNT_VERITY_TRY
							   : MOUNT_VERITY_OFF;
	return request->objects ? STATUS_DONE : fail("Out of memory");
}

static int helper_mount(struct helper *helper, const char *image, const char *target)
{
	CLEAN(memory_freep) char *path = path_of(image);
	CLEAN(memory_freep) char *idmap = helper->idmap ? path_of(helper->idmap) : NULL;
	struct mount_request request = {.image = path, .target = target};
	struct mount_choice choice = {0};
	struct server server;
	struct diag why = {0};
	int status, r;

	if (!path || (helper->idmap && !idmap))
		return fail("Out of memory");
	status = request_fill(helper, &request);
	if (status != STATUS_DONE || helper->is_fake)
		return status;
	request.ids.userns = idmap;
	mount_verity_settle(&request);
	r = mount_choose(&request, &choice, &why);
	if (r == 0)
		r = mount_image(&request, &choice, &server, &why);
	mount_request_release(&request);
	if (r < 0)
		return fail("Failed to mount composefs %s: %s", image, diag_text(&why, r));
	return STATUS_DONE;
}

static int helper_run(struct helper *helper, int argc, char **argv)
{
	CLEAN(buf_release) struct buf options = {0};
	int letter, status;
	char *text;

	while ((letter = getopt(argc, argv, "ht:o:sfnv")) != -1) {
		switch (letter) {
		case 't':
			if (strcmp(optarg, "composefs") != 0)
				return fail("Unsupported fs type '%s'", optarg);
			break;
		case 'o':
			if ((options.size && buf_append_byte(&options, ',') < 0) ||
			    buf_append_string(&options, optarg) < 0)
				return fail("Out of memory");
			break;
		case 's':
			helper->is_sloppy = true;
			break;
		case 'f':
			helper->is_fake = true;
			break;
		case 'n':
		case 'v':
			break;
		case 'h':
			return usage(stdout, STATUS_DONE);
		default:
			return usage(stderr, STATUS_FAILED);
		}
	}
	if (argc - optind != 2) {
		(void)fputs(argc - optind < 1   ? "No source path specified\n"
			    : argc - optind < 2 ? "No mount path specified\n"
						: "Too many paths specified\n",
			    stderr);
		return usage(stderr, STATUS_FAILED);
	}
	text = buf_string(&options);
	status = text ? options_apply(helper, text) : fail("Out of memory");
	if (status != STATUS_DONE)
		return status;
	/* Values point into options, which is there until the mount is. */
	return helper_mount(helper, argv[optind], argv[optind + 1]);
}

int mount_composefs_main(int argc, char **argv)
{
	struct helper helper = {0};
	int status = helper_run(&helper, argc, argv);

	buf_release(&helper.dirs);
	return status;
}
