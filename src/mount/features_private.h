/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-or-later */
/*
 * features_private.h - the tries behind features.h
 *
 * Each returns 0 when the thing works here, or a negative errno with the reason; nothing stays
 * mounted.
 */
#ifndef LAMINA_MOUNT_FEATURES_PRIVATE_H
#define LAMINA_MOUNT_FEATURES_PRIVATE_H

struct diag; /* base/diag.h */

/* features-fs.c */
int try_userns(struct diag *why);
int try_erofs(struct diag *why);
int try_loop(struct diag *why);
int try_fuse_device(struct diag *why);
int try_fuse(struct diag *why);
int try_verity(struct diag *why);

/* features-overlay.c */
int try_overlay(struct diag *why);
int try_overlay_data(struct diag *why);
int try_overlay_user_data(struct diag *why);
int try_overlay_detached(struct diag *why);
int try_overlay_verity(struct diag *why);

#endif
