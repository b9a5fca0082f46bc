// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stanza.c - parses a device stanza; see stanza.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kv.h"
#include "stanza.h"

#define STANZA_KEYS "dev, mode, name, ioctl, payload, caps, numbers, exclusive, ioport, irq"
#define NONE "none"

static int parse_dev(struct stanza *s, const char *value, struct fault *f)
{
	if (*value != '/')
		return fault(f, -EINVAL, "dev '%s' is not an absolute path", value);
	if (strlen(value) >= sizeof(s->dev))
		return fault(f, -ENAMETOOLONG, "dev is longer than %zu bytes",
			     sizeof(s->dev) - 1);
	strcpy(s->dev, value);
	return 0;
}

static int parse_mode(struct stanza *s, const char *value, struct fault *f)
{
	if (vsys_parse_mode(value, &s->mode))
		return fault(f, -EINVAL, "mode '%s' is unknown (known: rw, ro, wo)", value);
	return 0;
}

static int parse_name(struct stanza *s, const char *value, struct fault *f)
{
	int err = vsys_parse_name(value, s->name, sizeof(s->name));

	if (err == -ERANGE)
		return fault(f, err, "name '%s' is longer than %u characters", value,
			     VSYS_MAX_NAME);
	if (err)
		return fault(f, err, "name '%s' cannot name a node below the guest's /dev",
			     value);
	return 0;
}

/* It names a file: see policy.h. */
static int parse_ioctl(struct stanza *s, const char *value, struct fault *f)
{
	if (strlen(value) >= sizeof(s->ioctl))
		return fault(f, -ENAMETOOLONG, "ioctl is longer than %zu characters",
			     sizeof(s->ioctl) - 1);
	if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-")] || *value == '-')
		return fault(f, -EINVAL,
			     "ioctl '%s' is not none, any, or the name of a policy", value);
	strcpy(s->ioctl, value);
	return 0;
}

static int parse_payload(struct stanza *s, const char *value, struct fault *f)
{
	if (vsys_parse_payload(value, &s->payload))
		return fault(f, -EINVAL, "payload '%s' is unknown (known: bytes, pointers)",
			     value);
	return 0;
}

static int parse_caps(struct stanza *s, const char *value, struct fault *f)
{
	const char *bad;

	if (!strcmp(value, NONE))
		return 0;
	if (caps_parse(value, &s->caps, &bad))
		return fault(f, -EINVAL,
			     "capability '%.*s' is unknown (as in capabilities(7), in lower case, without cap_)",
			     (int)strcspn(bad, "+"), bad);
	return 0;
}

static int parse_numbers(struct stanza *s, const char *value, struct fault *f)
{
	s->native_numbers = !strcmp(value, "native");
	if (!s->native_numbers && strcmp(value, "own"))
		return fault(f, -EINVAL, "numbers '%s' is unknown (known: own, native)", value);
	return 0;
}

static int parse_exclusive(struct stanza *s, const char *value, struct fault *f)
{
	if (vsys_parse_exclusive(value, &s->exclusive))
		return fault(f, -EINVAL,
			     "exclusive '%s' is unknown (known: none, open, queue, attach)", value);
	return 0;
}

static int parse_ioport(struct stanza *s, const char *value, struct fault *f)
{
	int err = ioport_parse(&s->ports, value, f);

	s->is_ports = !err;
	return err;
}

static int parse_irq(struct stanza *s, const char *value, struct fault *f)
{
	uint32_t irq;

	if (vsys_parse_irq(value, &irq))
		return fault(f, -EINVAL, "irq '%s' is not a number from 0 to 15", value);
	s->irq = irq;
	return 0;
}

/* Without a name, the guest's node is called as the host's. */
static int default_name(struct stanza *s, struct fault *f)
{
	static const char below[] = "/dev/";
	const char *last;

	if (s->is_ports)
		return fault(f, -EINVAL, "key 'name' is missing (ioport does not give one)");
	last = strrchr(s->dev, '/') + 1;
	if (!strncmp(s->dev, below, strlen(below)) &&
	    !vsys_parse_name(s->dev + strlen(below), s->name, sizeof(s->name)))
		return 0;
	if (!vsys_parse_name(last, s->name, sizeof(s->name)))
		return 0;
	return fault(f, -EINVAL, "key 'name' is missing (dev '%s' does not give one)", s->dev);
}

static const struct {
	const char *key;
	int (*parse)(struct stanza *s, const char *value, struct fault *f);
} stanza_keys[] = {
	{ "dev", parse_dev },
	{ "mode", parse_mode },
	{ "name", parse_name },
	{ "ioctl", parse_ioctl },
	{ "payload", parse_payload },
	{ "caps", parse_caps },
	{ "numbers", parse_numbers },
	{ "exclusive", parse_exclusive },
	{ "ioport", parse_ioport },
	{ "irq", parse_irq },
};

static int parse_item(struct stanza *s, const struct kv *item, struct fault *f)
{
	for (size_t i = 0; i < sizeof(stanza_keys) / sizeof(stanza_keys[0]); i++)
		if (!strcmp(stanza_keys[i].key, item->key))
			return stanza_keys[i].parse(s, item->value, f);
	return fault(f, -EINVAL, "unknown key '%s' (known: " STANZA_KEYS ")", item->key);
}

bool stanza_calls(const struct stanza *s)
{
	return strcmp(s->ioctl, NONE);
}

/* Ports are no node: there is nothing to open, and they are lent to one guest at a time. */
static int check_ports(struct stanza *s, const struct kv_list *list, struct fault *f)
{
	unsigned int i;

	for (i = 0; i < list->nr; i++) {
		const char *key = list->item[i].key;

		if (!strcmp(key, "dev"))
			return fault(f, -EINVAL, "dev and ioport cannot be in one stanza");
		if (strcmp(key, "ioport") && strcmp(key, "name") && strcmp(key, "irq"))
			return fault(f, -EINVAL, "key '%s' is for dev, not for ioport", key);
	}
	ioport_format(&s->ports, s->dev, sizeof(s->dev));
	return 0;
}

/* Keys that need another one. */
static int check_pairs(const struct stanza *s, struct fault *f)
{
	if (s->irq != STANZA_NO_IRQ && !s->is_ports)
		return fault(f, -EINVAL, "irq needs ioport");
	if (stanza_calls(s))
		return 0;
	if (s->payload == VSYS_PAYLOAD_POINTERS)
		return fault(f, -EINVAL, "payload=pointers needs ioctl=any, or a policy");
	if (s->caps)
		return fault(f, -EINVAL, "caps needs ioctl=any, or a policy");
	return 0;
}

int stanza_parse(struct stanza *s, const char *text, struct fault *f)
{
	struct kv_list list;
	unsigned int i;
	int err;

	memset(s, 0, sizeof(*s));
	s->mode = VSYS_MODE_RW;
	s->irq = STANZA_NO_IRQ;
	strcpy(s->ioctl, NONE);
	if (!text[strspn(text, " \t")])
		return fault(f, -EINVAL, "key 'dev' or 'ioport' is missing");
	err = kv_parse(&list, text, 0, f);
	for (i = 0; !err && i < list.nr; i++)
		err = parse_item(s, &list.item[i], f);
	if (!err && s->is_ports)
		err = check_ports(s, &list, f);
	if (err)
		return err;
	if (!*s->dev)
		return fault(f, -EINVAL, "key 'dev' or 'ioport' is missing");
	err = *s->name ? 0 : default_name(s, f);
	return err ? err : check_pairs(s, f);
}

void stanza_format(const struct stanza *s, char *text, size_t size)
{
	char caps[CAPS_TEXT];
	size_t len;

	if (s->is_ports) {
		len = snprintf(text, size, "ioport=%s,name=%s", s->dev, s->name);
		if (s->irq != STANZA_NO_IRQ)
			snprintf(text + len, size - len, ",irq=%d", s->irq);
		return;
	}
	snprintf(text, size, "dev=%s,mode=%s,name=%s%s%s%s", s->dev, vsys_mode_name(s->mode),
		 s->name, s->native_numbers ? ",numbers=native" : "",
		 s->exclusive == VSYS_EXCLUSIVE_NONE ? "" : ",exclusive=",
		 s->exclusive == VSYS_EXCLUSIVE_NONE ? "" : vsys_exclusive_name(s->exclusive));
	if (!stanza_calls(s))
		return;
	caps_format(s->caps, caps, sizeof(caps));
	len = strlen(text);
	snprintf(text + len, size - len, ",ioctl=%s,payload=%s%s%s", s->ioctl,
		 vsys_payload_name(s->payload), *caps ? ",caps=" : "", caps);
}
