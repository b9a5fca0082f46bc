/* SPDX-License-Identifier: GPL-2.0-or-later */
/* privileges.h - what a worker gives up before it touches a guest's memory. */
#ifndef VSYS_PRIVILEGES_H
#define VSYS_PRIVILEGES_H

/* After everything is open, before the first message.  Negative errno. */
int privileges_drop(void);

#endif /* VSYS_PRIVILEGES_H */
