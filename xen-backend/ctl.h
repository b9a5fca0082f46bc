/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl.h - the control socket, on which xen-vsys asks and xen-vsysd answers.
 *
 * A stream of lines.  A request is a line of words, separated by one space and
 * percent encoded (kv.h):
 *
 *   attach DOMAIN STANZA [SECONDS]   attach; with SECONDS, wait for the guest
 *   detach DOMAIN DEVICE             detach, and wait until it is done
 *   list [DOMAIN]                    a line for each device
 *   stat DOMAIN [DEVICE]             a line for each device, with counters
 *   register FILE                    remember which file a guest comes from
 *   configured DOMAIN SECONDS        wait until its configuration is attached
 *   version
 *
 * DOMAIN is a number or a name; DEVICE a number, a name or a path.  The answer
 * is any number of lines "data LIST" (LIST as in kv.h, encoded), then one line
 * "ok" or "error SENTENCE".
 *
 * This file is the daemon's side; ctl-client.h is the tool's.
 */
#ifndef VSYS_CTL_H
#define VSYS_CTL_H

#define CTL_SOCKET	"/run/xen-vsysd.sock"

struct ctl;
struct supervisor;

/* Starts to listen; NULL if that fails, which has been logged. */
struct ctl *ctl_new(struct supervisor *sup, const char *path);
void ctl_free(struct ctl *ctl);

#endif /* VSYS_CTL_H */
