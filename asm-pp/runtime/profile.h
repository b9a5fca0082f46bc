/* SPDX-License-Identifier: GPL-2.0 */
/*
 * profile.h - what is known of the ports of some kinds of devices.
 */
#ifndef VPIO_PROFILE_H
#define VPIO_PROFILE_H

#include "queue.h"

struct vpio_profile {
	const char *name;
	const struct vpio_rule *rule;
	unsigned int rules;
	const struct vpio_handshake *handshake;	/* or NULL */
};

/* NULL: there is none of this name.  "none" knows nothing. */
const struct vpio_profile *vpio_profile_find(const char *name);

#endif /* VPIO_PROFILE_H */
