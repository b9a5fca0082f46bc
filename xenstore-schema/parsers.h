/* SPDX-License-Identifier: MIT OR GPL-2.0-or-later */
/*
 * parsers.h - the parsers by type, on which those by key are built.
 *
 * header.awk copies what follows "begin" into vsys-xenstore.h; nothing includes
 * this file.  No libc and no kernel function is called, and nothing divides
 * 64-bit numbers, so that it serves everywhere.
 */
/* begin */
/* Decimal digits, no leading 0, up to "stop" or the end; returns where it ended. */
VSYS_SCHEMA_INLINE const char *vsys_schema_digits(const char *text, uint64_t *value, int *err)
{
	const uint64_t most = 1844674407370955161ull;	/* UINT64_MAX / 10 */
	uint64_t sum = 0;
	const char *p;

	*err = -EINVAL;
	if (*text < '0' || *text > '9' || (text[0] == '0' && text[1] >= '0' && text[1] <= '9'))
		return text;
	*err = 0;
	for (p = text; *p >= '0' && *p <= '9'; p++) {
		unsigned int digit = (unsigned int)(*p - '0');

		/* Go on to the end: "99...9x" is malformed, not too great. */
		if (sum > most || (sum == most && digit > 5))
			*err = -ERANGE;
		sum = sum * 10 + digit;
	}
	*value = sum;
	return p;
}

VSYS_SCHEMA_INLINE int vsys_schema_u64(const char *text, uint64_t min, uint64_t max,
				       bool pow2, uint64_t *value)
{
	uint64_t sum = 0;
	int err;

	if (*vsys_schema_digits(text, &sum, &err) != '\0')
		return -EINVAL;
	if (err)
		return err;
	if (sum < min || sum > max || (pow2 && (sum & (sum - 1))))
		return -ERANGE;
	*value = sum;
	return 0;
}

VSYS_SCHEMA_INLINE int vsys_schema_u32(const char *text, uint32_t min, uint32_t max,
				       bool pow2, uint32_t *value)
{
	uint64_t sum;
	int err = vsys_schema_u64(text, min, max, pow2, &sum);

	if (!err)
		*value = (uint32_t)sum;
	return err;
}

VSYS_SCHEMA_INLINE int vsys_schema_flag(const char *text, bool *value)
{
	if ((*text != '0' && *text != '1') || text[1] != '\0')
		return -EINVAL;
	*value = *text == '1';
	return 0;
}

VSYS_SCHEMA_INLINE bool vsys_schema_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* "set" as in tr(1): A-Z is a range, '-' in the last place is itself. */
VSYS_SCHEMA_INLINE bool vsys_schema_in_set(char c, const char *set)
{
	for (; *set; set++) {
		if (set[1] == '-' && set[2]) {
			if (c >= set[0] && c <= set[2])
				return true;
			set += 2;
		} else if (c == *set) {
			return true;
		}
	}
	return false;
}

/* One component of a path below a directory; returns where it ended, or NULL. */
VSYS_SCHEMA_INLINE const char *vsys_schema_component(const char *text)
{
	size_t length = 0;

	while (text[length] && text[length] != '/')
		length++;
	if (length == 0 || (length == 1 && text[0] == '.') ||
	    (length == 2 && text[0] == '.' && text[1] == '.'))
		return NULL;
	return text + length;
}

VSYS_SCHEMA_INLINE bool vsys_schema_relative(const char *text)
{
	while ((text = vsys_schema_component(text)) && *text == '/')
		text++;
	return text;
}

/* -ERANGE also if buf is too small; -EINVAL if it is empty. */
VSYS_SCHEMA_INLINE int vsys_schema_string(const char *text, const char *set, size_t max,
					  bool relative, char *buf, size_t size)
{
	size_t length, i;

	for (length = 0; text[length]; length++) {
		if (length == max)
			return -ERANGE;
		if (!vsys_schema_in_set(text[length], set))
			return -EINVAL;
	}
	if (length == 0 || (relative && !vsys_schema_relative(text)))
		return -EINVAL;
	if (length >= size)
		return -ERANGE;
	for (i = 0; i <= length; i++)
		buf[i] = text[i];
	return 0;
}

/*
 * Whether the list "1,2,3" has wanted: 0, -EPROTONOSUPPORT if not, -EINVAL or
 * -ERANGE if any part of it is not a number of 32 bits.
 */
VSYS_SCHEMA_INLINE int vsys_schema_listed(const char *text, uint32_t wanted)
{
	int result = -EPROTONOSUPPORT;
	uint64_t value = 0;
	int err;

	for (;;) {
		text = vsys_schema_digits(text, &value, &err);
		if (err)
			return err;
		if (value > 0xffffffffu)
			return -ERANGE;
		if (value == wanted)
			result = 0;
		if (*text == '\0')
			return result;
		if (*text++ != ',')
			return -EINVAL;
	}
}
