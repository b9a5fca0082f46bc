/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * media.h - what native drivers say of their media, for the guests that have them.
 *
 * The kernel tells of another medium, and of a drive's button that was pressed, by
 * uevents (if something makes it look: /sys/block/NAME/events_poll_msecs, which udev
 * sets). Each is counted in the back-end's directory, where the front-end watches.
 */
#ifndef VSYS_MEDIA_H
#define VSYS_MEDIA_H

#include <sys/types.h>

struct media;
struct supervisor;

/* NULL: uevents cannot be had here, which was logged; guests then ask by themselves. */
struct media *media_start(struct supervisor *sup);
void media_stop(struct media *m);

/* The native disk rdev has said so. */
void media_event(struct supervisor *sup, dev_t rdev, bool changed, bool eject);

#endif /* VSYS_MEDIA_H */
