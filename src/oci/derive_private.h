/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * derive_private.h - instructions that change how an image runs
 */
#ifndef LAMINA_OCI_DERIVE_PRIVATE_H
#define LAMINA_OCI_DERIVE_PRIVATE_H

struct diag;   /* base/diag.h */
struct json_t; /* jansson.h */

/*
 * Apply "INSTRUCTION VALUE" or "INSTRUCTION=VALUE" to run, the "config" object of an image's
 * config: what docker-commit(1) and podman-commit(1) take as --change, one thing each.
 *
 *   CMD, ENTRYPOINT            a JSON list of words, or else a line for /bin/sh -c
 *   ENV, LABEL                 NAME=VALUE, the value as it stands there, or in double quotes
 *   USER, WORKDIR, STOPSIGNAL  text
 *   EXPOSE                     PORT[/PROTOCOL]
 *   VOLUME                     a path, or a JSON list of them
 *
 * -EINVAL: none of these; -EUCLEAN: run has something else in its place; -ENOMEM.
 */
int derive_change(struct json_t *run, const char *change, struct diag *why);

/* Where an ENTRYPOINT is among the changes and no CMD, the base's CMD was for another one. */
int derive_changes(struct json_t *run, const char *const *changes, struct diag *why);

#endif
