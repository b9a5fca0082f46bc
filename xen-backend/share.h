/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * share.h - who may open a native device that several guests have: the stanza's
 * exclusive=.
 *
 * A device "holds" its native device while the guest has it open, with
 * exclusive=attach from attach to detach. Two devices of one native device may hold
 * it at the same time only if neither is exclusive. docs/sharing.md has the rules.
 */
#ifndef VSYS_SHARE_H
#define VSYS_SHARE_H

#include <stdbool.h>
#include <sys/types.h>

#include "native.h"
#include "stanza.h"

struct device;
struct open_request;
struct supervisor;

/* May it be attached, next to those that are?  Ports: to one only.  0 or a fault. */
int share_check_attach(struct supervisor *sup, const struct stanza *s, const struct native *n,
		       struct fault *f);

/* It was attached; it goes, and holds nothing any more. */
void share_attached(struct device *d);
void share_detached(struct device *d);

/* The open of rdev by d would conflict with this one's; NULL: with none. */
struct device *share_holder(const struct device *d, dev_t rdev);
/* It keeps this domain's own users of a block node out by a claim (O_EXCL). */
bool share_claims(const struct device *d);
/* Somebody was refused, or waits: whether the holder's guest lives matters now. */
void share_wanted(struct device *holder);

/* rdev is to be opened: a claim of what was at its place before goes. */
void share_drop_claim(struct device *d, dev_t rdev);
/* An open began (of rdev); nr opens are over. */
void share_opened(struct device *d, dev_t rdev);
void share_closed(struct device *d, unsigned int nr);
/* All of it: the worker holds nothing any more. */
void share_released(struct device *d);

/* "holds", "waits N" (N opens are before it), or "": for people. */
const char *share_use(const struct device *d);

#endif /* VSYS_SHARE_H */
