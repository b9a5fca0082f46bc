/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl-client.h - asks xen-vsysd on its control socket; the language is in ctl.h.
 */
#ifndef VSYS_CTL_CLIENT_H
#define VSYS_CTL_CLIENT_H

#include "fault.h"
#include "kv.h"

/*
 * Sends the words (NULL at the end) and calls data() for each line of data.
 * 0, or a negative errno and the sentence: the daemon's, or why there is none.
 */
int ctl_ask(const char *socket_path, const char *const *words,
	    void (*data)(void *arg, const struct kv_list *list), void *arg, struct fault *f);

#endif /* VSYS_CTL_CLIENT_H */
