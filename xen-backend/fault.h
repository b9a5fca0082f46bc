/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fault.h - a negative errno for the caller, and one sentence for a person.
 */
#ifndef VSYS_FAULT_H
#define VSYS_FAULT_H

#define FAULT_SIZE 512

struct fault {
	char text[FAULT_SIZE];
};

/* Sets the sentence and returns err, so that "return fault(...)" does both. */
int fault(struct fault *f, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "where" in front of the sentence: "where: sentence". */
int fault_at(struct fault *f, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* VSYS_FAULT_H */
