/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * madt.h - what ACPI's table "APIC" says of ISA interrupts.
 */
#ifndef VSYS_MADT_H
#define VSYS_MADT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this ISA interrupt is level-triggered: they are not, but for exceptions. */
bool madt_is_level(const uint8_t *table, size_t len, int irq);

#endif /* VSYS_MADT_H */
