/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * native.h - the machine's own ports.
 */
#ifndef VSYS_PORTS_NATIVE_H
#define VSYS_PORTS_NATIVE_H

#include "batch.h"

extern const struct port_device native_ports;

#endif /* VSYS_PORTS_NATIVE_H */
