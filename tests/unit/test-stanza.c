/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test-stanza.c - device stanzas: meaning, defaults, and the sentence of each fault.
 */
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xen-backend/kv.h"
#include "xen-backend/stanza.h"

static void good(const char *text, const char *dev, enum vsys_mode mode, const char *name)
{
	struct stanza s;
	struct fault f;

	assert_int_equal(stanza_parse(&s, text, &f), 0);
	assert_string_equal(s.dev, dev);
	assert_int_equal(s.mode, mode);
	assert_string_equal(s.name, name);
}

static void bad(const char *text, const char *sentence)
{
	struct stanza s;
	struct fault f;

	assert_true(stanza_parse(&s, text, &f) < 0);
	assert_string_equal(f.text, sentence);
}

static void meaning(void **state)
{
	(void)state;
	good("dev=/dev/ram0", "/dev/ram0", VSYS_MODE_RW, "ram0");
	good("dev=/dev/ram0,mode=rw,name=ram0", "/dev/ram0", VSYS_MODE_RW, "ram0");
	good("name=x, mode=ro, dev=/dev/sr0", "/dev/sr0", VSYS_MODE_RO, "x");
	good("dev=/dev/lp0,mode=wo", "/dev/lp0", VSYS_MODE_WO, "lp0");
	good("dev=/dev/bus/usb/001/002", "/dev/bus/usb/001/002", VSYS_MODE_RW, "bus/usb/001/002");
	good("dev=/srv/node", "/srv/node", VSYS_MODE_RW, "node");
	good("dev=/dev/../etc/x", "/dev/../etc/x", VSYS_MODE_RW, "x");
	good("dev=/srv/node,name=n", "/srv/node", VSYS_MODE_RW, "n");
}

static void calls(void **state)
{
	struct stanza s;
	struct fault f;

	(void)state;
	assert_int_equal(stanza_parse(&s, "dev=/dev/sg0", &f), 0);
	assert_string_equal(s.ioctl, "none");
	assert_int_equal(s.payload, VSYS_PAYLOAD_BYTES);
	assert_true(!s.caps && !stanza_calls(&s));
	assert_int_equal(stanza_parse(&s, "dev=/dev/sg0,ioctl=none,payload=bytes,caps=none", &f), 0);
	assert_true(!s.caps && !stanza_calls(&s));
	assert_int_equal(stanza_parse(&s, "caps=sys_rawio + sys_admin,payload=pointers,ioctl=scsi,"
				      "dev=/dev/sg0", &f), -EINVAL);
	assert_int_equal(stanza_parse(&s, "caps=sys_rawio+sys_admin,payload=pointers,ioctl=scsi,"
				      "dev=/dev/sg0", &f), 0);
	assert_string_equal(s.ioctl, "scsi");
	assert_int_equal(s.payload, VSYS_PAYLOAD_POINTERS);
	assert_true(s.caps == (CAPS_BIT(17) | CAPS_BIT(21)) && stanza_calls(&s));
}

/* Every name there is leads to its number and back. */
static void capabilities(void **state)
{
	char text[CAPS_TEXT], all[CAPS_TEXT];
	uint64_t caps, known = 0;
	const char *bad_name;
	int i;

	(void)state;
	for (i = 0; i < 64; i++) {
		caps_format(CAPS_BIT(i), text, sizeof(text));
		if (!*text)
			break;
		assert_int_equal(caps_parse(text, &caps, &bad_name), 0);
		assert_true(caps == CAPS_BIT(i));
		known |= caps;
	}
	assert_int_equal(i, CAP_LAST_CAP + 1);
	caps_format(~UINT64_C(0), all, sizeof(all));
	assert_true(strlen(all) < sizeof(all) - 1);
	assert_int_equal(caps_parse(all, &caps, &bad_name), 0);
	assert_true(caps == known);
	caps_format(0, text, sizeof(text));
	assert_string_equal(text, "");
}

static void faults(void **state)
{
	(void)state;
	bad("", "key 'dev' or 'ioport' is missing");
	bad(" ", "key 'dev' or 'ioport' is missing");
	bad("dev=/dev/ram0,foo=1", "unknown key 'foo' (known: dev, mode, name, ioctl, payload, caps, numbers, exclusive, ioport, irq)");
	bad("mode=rw", "key 'dev' or 'ioport' is missing");
	bad("dev=", "key 'dev' has no value");
	bad("dev=ram0", "dev 'ram0' is not an absolute path");
	bad("dev=/dev/a,dev=/dev/b", "key 'dev' is given twice");
	bad("dev=/dev/ram0,mode=wr", "mode 'wr' is unknown (known: rw, ro, wo)");
	bad("dev=/dev/ram0,name=a b", "name 'a b' cannot name a node below the guest's /dev");
	bad("dev=/dev/ram0,name=../x", "name '../x' cannot name a node below the guest's /dev");
	bad("dev=/dev/ram0,name=/x", "name '/x' cannot name a node below the guest's /dev");
	bad("dev=/srv/a b", "key 'name' is missing (dev '/srv/a b' does not give one)");
	bad("dev=/dev/", "key 'name' is missing (dev '/dev/' does not give one)");
	bad("dev=/dev/sg0,ioctl=SCSI", "ioctl 'SCSI' is not none, any, or the name of a policy");
	bad("dev=/dev/sg0,ioctl=../scsi",
	    "ioctl '../scsi' is not none, any, or the name of a policy");
	bad("dev=/dev/sg0,ioctl=-", "ioctl '-' is not none, any, or the name of a policy");
	bad("dev=/dev/sg0,ioctl=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "ioctl is longer than 31 characters");
	bad("dev=/dev/sg0,ioctl=any,payload=pointer",
	    "payload 'pointer' is unknown (known: bytes, pointers)");
	bad("dev=/dev/sg0,numbers=dom0", "numbers 'dom0' is unknown (known: own, native)");
	bad("dev=/dev/sg0,payload=pointers", "payload=pointers needs ioctl=any, or a policy");
	bad("dev=/dev/sg0,caps=sys_rawio", "caps needs ioctl=any, or a policy");
	bad("dev=/dev/sg0,ioctl=none,caps=sys_rawio", "caps needs ioctl=any, or a policy");
	bad("dev=/dev/sg0,ioctl=any,caps=sys_rawio+cap_sys_admin",
	    "capability 'cap_sys_admin' is unknown (as in capabilities(7), in lower case, without cap_)");
	bad("dev=/dev/sg0,ioctl=any,caps=sys_rawio+",
	    "capability '' is unknown (as in capabilities(7), in lower case, without cap_)");
	bad("dev=/dev/sg0,ioctl=any,caps=sys_raw+chown",
	    "capability 'sys_raw' is unknown (as in capabilities(7), in lower case, without cap_)");
	bad("dev=/..", "key 'name' is missing (dev '/..' does not give one)");
}

static void ports_are(const char *text, uint16_t first, uint16_t last, int irq)
{
	char again[STANZA_TEXT];
	struct stanza s, t;
	struct fault f;

	assert_int_equal(stanza_parse(&s, text, &f), 0);
	assert_true(s.is_ports);
	assert_int_equal(s.ports.first, first);
	assert_int_equal(s.ports.last, last);
	assert_int_equal(s.irq, irq);
	assert_string_equal(s.name, "n");
	assert_false(stanza_calls(&s));
	stanza_format(&s, again, sizeof(again));
	assert_int_equal(stanza_parse(&t, again, &f), 0);
	assert_memory_equal(&s, &t, sizeof(s));
}

static void ports(void **state)
{
	char text[STANZA_TEXT];
	struct stanza s;
	struct fault f;

	(void)state;
	ports_are("ioport=0x300-0x31f,name=n", 0x300, 0x31f, STANZA_NO_IRQ);
	ports_are("name=n,irq=5,ioport=0x300-0x31F", 0x300, 0x31f, 5);
	ports_are("ioport=768-799,name=n,irq=0", 0x300, 0x31f, 0);
	ports_are("ioport=0x378-0x378,name=n,irq=15", 0x378, 0x378, 15);
	ports_are("ioport=0xff00-0xffff,name=n", 0xff00, 0xffff, STANZA_NO_IRQ);
	ports_are("ioport=0xd00-0xdff,name=n", 0xd00, 0xdff, STANZA_NO_IRQ);
	assert_int_equal(stanza_parse(&s, "ioport=0X300-0x31f,name=n", &f), -EINVAL);
	assert_int_equal(stanza_parse(&s, "irq=10,name=ne0,ioport=0x0300-799", &f), 0);
	assert_string_equal(s.dev, "0x300-0x31f");
	stanza_format(&s, text, sizeof(text));
	assert_string_equal(text, "ioport=0x300-0x31f,name=ne0,irq=10");
}

static void port_faults(void **state)
{
	static const char *const others[] = {
		"mode=rw", "ioctl=none", "payload=bytes", "caps=none", "numbers=own",
		"exclusive=none",
	};
	size_t i;

	(void)state;
	bad("ioport=0x300-0x31f", "key 'name' is missing (ioport does not give one)");
	bad("ioport=0x300-0x31f,name=..", "name '..' cannot name a node below the guest's /dev");
	bad("ioport=0x300-0x31f,dev=/dev/null", "dev and ioport cannot be in one stanza");
	bad("dev=/dev/null,ioport=0x300-0x31f", "dev and ioport cannot be in one stanza");
	bad("dev=/dev/null,irq=5", "irq needs ioport");
	bad("irq=5,name=n", "key 'dev' or 'ioport' is missing");
	bad("ioport=0x300-0x31f,name=n,irq=16", "irq '16' is not a number from 0 to 15");
	bad("ioport=0x300-0x31f,name=n,irq=-1", "irq '-1' is not a number from 0 to 15");
	bad("ioport=0x300-0x31f,name=n,irq=0x5", "irq '0x5' is not a number from 0 to 15");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char text[128], sentence[128];

		snprintf(text, sizeof(text), "ioport=0x300-0x31f,name=n,%s", others[i]);
		snprintf(sentence, sizeof(sentence), "key '%.*s' is for dev, not for ioport",
			 (int)strcspn(others[i], "="), others[i]);
		bad(text, sentence);
	}
	bad("ioport=0x300,name=n", "ioport '0x300' is not FIRST-LAST, as in 0x300-0x31f");
	bad("ioport=-0x300,name=n", "ioport '-0x300' is not FIRST-LAST, as in 0x300-0x31f");
	bad("ioport=0x300-,name=n", "ioport '0x300-' is not FIRST-LAST, as in 0x300-0x31f");
	bad("ioport=300-31f,name=n", "ioport '300-31f' is not FIRST-LAST, as in 0x300-0x31f");
	bad("ioport=0x-0x1,name=n", "ioport '0x-0x1' is not FIRST-LAST, as in 0x300-0x31f");
	bad("ioport=0x0x300-0x31f,name=n", "ioport '0x0x300-0x31f' is not FIRST-LAST, as in 0x300-0x31f");
	bad("ioport=768-+799,name=n", "ioport '768-+799' is not FIRST-LAST, as in 0x300-0x31f");
	bad("ioport=0xff80-0x1007f,name=n",
	    "ioport '0xff80-0x1007f' is not FIRST-LAST, as in 0x300-0x31f");
	bad("ioport=4294968064-0x31f,name=n",
	    "ioport '4294968064-0x31f' is not FIRST-LAST, as in 0x300-0x31f");
	bad("ioport=0x31f-0x300,name=n", "ioport '0x31f-0x300' ends before it begins");
	bad("ioport=0x1000-0x1100,name=n", "ioport '0x1000-0x1100' is more than 256 ports");
	bad("ioport=0-0xffff,name=n", "ioport '0x0-0xffff' is more than 256 ports");
}

/* Each port that is refused, alone and at the edge of a range; and their neighbours. */
static void dangerous_ports(void **state)
{
	static const struct {
		unsigned int first, last;
	} refused[] = {
		{ 0x00, 0x0f }, { 0x20, 0x23 }, { 0x40, 0x43 }, { 0x60, 0x61 }, { 0x64, 0x64 },
		{ 0x70, 0x71 }, { 0x80, 0x8f }, { 0x92, 0x92 }, { 0xa0, 0xa1 }, { 0xb2, 0xb3 },
		{ 0xc0, 0xdf }, { 0x4d0, 0x4d1 }, { 0xcf8, 0xcff },
	};
	struct ioport_range range;
	struct fault f;
	unsigned int port;
	size_t i;

	(void)state;
	bad("ioport=0xcf8-0xcf8,name=n",
	    "ioport '0xcf8-0xcf8' is refused: port 0xcf8 is that of the PCI configuration, which moves and starts every device");
	bad("ioport=0x10-0x2f,name=n",
	    "ioport '0x10-0x2f' is refused: port 0x20 is that of the interrupt controller");
	bad("ioport=0x62-0x6f,name=n",
	    "ioport '0x62-0x6f' is refused: port 0x64 is that of the keyboard controller, which resets the machine");
	for (port = 0; port <= 0xffff; port++) {
		bool is_refused = false;

		for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
			is_refused |= port >= refused[i].first && port <= refused[i].last;
		range.first = range.last = port;
		assert_int_equal(ioport_check(&range, &f), is_refused ? -EPERM : 0);
		if (!is_refused)
			continue;
		range.first = port > 200 ? port - 200 : 0;
		assert_int_equal(ioport_check(&range, &f), -EPERM);
		range.first = port;
		range.last = port + 200;
		assert_int_equal(ioport_check(&range, &f), -EPERM);
	}
}

static void sizes(void **state)
{
	char text[600], name[100];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[VSYS_MAX_NAME] = '\0';
	snprintf(text, sizeof(text), "dev=/dev/null,name=%s", name);
	good(text, "/dev/null", VSYS_MODE_RW, name);
	snprintf(text, sizeof(text), "dev=/dev/null,name=%sn", name);
	{
		char sentence[200];

		snprintf(sentence, sizeof(sentence),
			 "name '%sn' is longer than 63 characters", name);
		bad(text, sentence);
	}
	snprintf(text, sizeof(text), "dev=/%0300d,name=x", 1);
	bad(text, "dev is longer than 255 bytes");
}

static void formatted(void **state)
{
	char text[STANZA_TEXT];
	struct stanza s, again;
	struct fault f;

	(void)state;
	assert_int_equal(stanza_parse(&s, "dev=/dev/sr0,mode=ro,name=cd", &f), 0);
	stanza_format(&s, text, sizeof(text));
	assert_string_equal(text, "dev=/dev/sr0,mode=ro,name=cd");
	assert_int_equal(stanza_parse(&again, text, &f), 0);
	assert_memory_equal(&s, &again, sizeof(s));
	assert_int_equal(stanza_parse(&s, "dev=/dev/sg0,ioctl=scsi,caps=sys_rawio+sys_admin", &f), 0);
	stanza_format(&s, text, sizeof(text));
	assert_string_equal(text, "dev=/dev/sg0,mode=rw,name=sg0,ioctl=scsi,payload=bytes,"
				  "caps=sys_rawio+sys_admin");
	assert_int_equal(stanza_parse(&again, text, &f), 0);
	assert_memory_equal(&s, &again, sizeof(s));
}

/* The longest there is. */
static void formatted_whole(void **state)
{
	char text[STANZA_TEXT];
	struct stanza s, again;
	struct fault f;

	(void)state;
	assert_int_equal(stanza_parse(&s, "dev=/dev/x,ioctl=any", &f), 0);
	memset(s.dev + 5, 'd', sizeof(s.dev) - 6);
	memset(s.name, 'n', sizeof(s.name) - 1);
	memset(s.ioctl, 'c', sizeof(s.ioctl) - 1);
	s.payload = VSYS_PAYLOAD_POINTERS;
	s.caps = CAPS_BIT(CAP_LAST_CAP + 1) - 1;
	stanza_format(&s, text, sizeof(text));
	assert_true(strlen(text) < sizeof(text) - 1);
	assert_int_equal(stanza_parse(&again, text, &f), 0);
	assert_memory_equal(&s, &again, sizeof(s));
}

/* Whatever the text: no overrun, and what is accepted is within the limits. */
static void nonsense(void **state)
{
	static const char *const piece[] = {
		"dev=", "mode=", "name=", "/dev/", "ram0", ",", "=", " ", "rw", "ro", "..",
		"/", "\n", "\xff", "%41", "dev", "x", "ioctl=", "any", "payload=", "pointers",
		"caps=", "sys_admin", "+", "ioport=", "0x300", "-", "0x31f", "irq=", "5",
	};
	unsigned int seed = 7, round;

	(void)state;
	for (round = 0; round < 50000; round++) {
		unsigned int nr = rand_r(&seed) % 12, i;
		char text[256] = "", again[STANZA_TEXT];
		struct stanza s, t;
		struct fault f;

		for (i = 0; i < nr; i++)
			strcat(text, piece[rand_r(&seed) % (sizeof(piece) / sizeof(piece[0]))]);
		if (stanza_parse(&s, text, &f)) {
			assert_true(strlen(f.text) > 0);
			assert_null(strchr(f.text, '\n'));
			continue;
		}
		assert_int_equal(s.dev[0], s.is_ports ? '0' : '/');
		assert_true(vsys_schema_relative(s.name));
		stanza_format(&s, again, sizeof(again));
		assert_int_equal(stanza_parse(&t, again, &f), 0);
		assert_string_equal(s.dev, t.dev);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meaning),
		cmocka_unit_test(calls),
		cmocka_unit_test(capabilities),
		cmocka_unit_test(faults),
		cmocka_unit_test(ports),
		cmocka_unit_test(port_faults),
		cmocka_unit_test(dangerous_ports),
		cmocka_unit_test(sizes),
		cmocka_unit_test(formatted),
		cmocka_unit_test(formatted_whole),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
