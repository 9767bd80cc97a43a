/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * ids.h - the options that give an id map, the same in every command that takes one
 */
#ifndef LAMINA_CLI_IDS_H
#define LAMINA_CLI_IDS_H

#include "cli/option.h"
#include "ops/ids.h"

struct ids_options {
	struct option_list uidmaps;
	struct option_list gidmaps;
	const char *userns;
	const char *map;
};

#define MAP_OPTION_VALUE "auto|keep-id|root"

/* Rows for a struct whose member ids is the above. */
#define IDS_OPTIONS(type)                                                         \
	{"uidmap",                                                                \
	 0,                                                                       \
	 OPTION_LIST,                                                             \
	 offsetof(type, ids.uidmaps),                                             \
	 IDMAP_OPTION "[,...]",                                                   \
	 "show owners INSIDE, as stored, as OUTSIDE; also for groups"},           \
		{"gidmap",                                                        \
		 0,                                                               \
		 OPTION_LIST,                                                     \
		 offsetof(type, ids.gidmaps),                                     \
		 IDMAP_OPTION "[,...]",                                           \
		 "the same for groups"},                                          \
		{"userns",    0,                                                  \
		 OPTION_TEXT, offsetof(type, ids.userns),                         \
		 "PID|PATH",  "show owners as this user namespace has them"},     \
	{                                                                         \
		"map", 0, OPTION_TEXT, offsetof(type, ids.map), MAP_OPTION_VALUE, \
			"show owners by a map that is made for you"               \
	}

/* The lines of --help about --map. */
#define MAP_DETAILS                                                                              \
	"id maps (--map):\n"                                                                     \
	"  root     0 is you, and no other id exists\n"                                          \
	"  auto     0 is you, 1 and up are your subordinate ids (/etc/subuid, /etc/subgid);\n"   \
	"           for root on the host 0 and up are those of user 'containers', else 'root'\n" \
	"  keep-id  you keep your number, the ids around it are your subordinate ones\n"         \
	"  In a user namespace, all other ids that exist in it are the subordinate ones.\n"

/*
 * What option ("--map") says; *ret is left alone for NULL. Returns 0, or -EINVAL after a line on
 * stderr.
 */
int map_option(const char *command, const char *option, const char *text, enum id_shorthand *ret);

/*
 * What the options ask for, valid as long as they are. Returns 0, or -EINVAL after a line on
 * stderr. That ways exclude each other is for ids_resolve() to say.
 */
int ids_options_request(const char *command, const struct ids_options *options,
			struct ids_request *ret);

#endif
