// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ata-disk.c - pretended ATA disks; see ata-disk.h.
 */
#include "tests/unit/ata-disk.h"

struct disk both[2][2];
unsigned int unit[2];
bool direct;

const uint8_t identity[SECTOR] = "an ATA disk";

static void interrupt(void)
{
	if (!d->line && !(d->control & NIEN))
		d->edge = true;
	d->line = true;
}

/* What it was busy with is done. */
static void ready(void)
{
	unsigned int n = d->left < d->per ? d->left : d->per;

	d->busy = 0;
	d->status = DRDY;
	if (d->way != NOTHING && d->left && d->bad >= d->at && d->bad < d->at + n) {
		d->status |= ERR;
		d->way = NOTHING;
		interrupt();
	} else if (d->way != NOTHING && d->left) {
		d->status |= DRQ;
		d->size = n * SECTOR;
		d->done = 0;
		if (d->way == TO_HOST || !d->first)
			interrupt();
	} else {
		/* That all was read is no news. */
		if (d->way != TO_HOST)
			interrupt();
		d->way = NOTHING;
	}
	d->first = false;
}

static void go_on(void)
{
	d->status = BSY | DRDY;
	d->busy = d->way == TO_HOST && !d->left && !d->slow_end ? 0 : d->slow;
	if (!d->busy)
		ready();
}

static void command(uint8_t value)
{
	bool wide = value == READ_EXT || value == READ_MULTIPLE_EXT || value == WRITE_EXT ||
		    value == WRITE_MULTIPLE_EXT;

	if (d->status & (BSY | DRQ))
		d->violations++;
	d->line = false;
	d->first = true;
	d->identifies = value == IDENTIFY;
	d->at = d->reg[LBA][0] | d->reg[LBA + 1][0] << 8;
	d->left = d->reg[COUNT][0] | (wide ? d->reg[COUNT][1] << 8 : 0);
	if (!d->left)
		d->left = wide ? 0x10000 : 0x100;
	d->way = NOTHING;
	d->per = 1;
	switch (value) {
	case READ_MULTIPLE:
	case READ_MULTIPLE_EXT:
		d->per = d->multiple;
		d->way = TO_HOST;
		break;
	case READ_SECTORS:
	case READ_EXT:
		d->way = TO_HOST;
		break;
	case WRITE_MULTIPLE:
	case WRITE_MULTIPLE_EXT:
		d->per = d->multiple;
		d->way = TO_DISK;
		break;
	case WRITE_SECTORS:
	case WRITE_EXT:
		d->way = TO_DISK;
		break;
	case IDENTIFY:
		d->left = 1;
		d->way = TO_HOST;
		break;
	case SET_MULTIPLE:
		d->multiple = d->reg[COUNT][0];
		break;
	}
	go_on();
}

static uint8_t data(bool write, uint8_t value)
{
	uint8_t *cell;

	if (!(d->status & DRQ) || d->way != (write ? TO_DISK : TO_HOST)) {
		d->violations++;
		return 0xee;
	}
	cell = &d->memory[(d->at + d->done / SECTOR) % SECTORS][d->done % SECTOR];
	if (write)
		*cell = value;
	else
		value = d->identifies ? identity[d->done] : *cell;
	if (++d->done == d->size) {
		d->at += d->size / SECTOR;
		d->left -= d->size / SECTOR;
		d->reg[COUNT][0] = (uint8_t)d->left;
		go_on();
	}
	return value;
}

uint32_t disk_in(unsigned int reg, unsigned int width)
{
	uint32_t value = 0;

	d->accesses++;
	if (d->busy && d->busy != NEVER && !--d->busy)
		ready();
	switch (reg) {
	case DATA:
		for (unsigned int i = 0; i < 1u << width; i++)
			value |= (uint32_t)data(false, 0) << (8 * i);
		return value;
	case STATUS:
		d->line = false;
		return d->absent ? 0 : d->status;
	case PEEK:
		return d->absent ? 0 : d->status;
	default:
		return d->reg[reg][0];
	}
}

void disk_out(unsigned int reg, unsigned int width, uint32_t value)
{
	d->accesses++;
	if (reg != DATA && width) {
		disk_out(reg, width - 1, value);
		reg += 1u << (width - 1);
		value >>= 8u << (width - 1);
		width--;
	}
	switch (reg) {
	case DATA:
		for (unsigned int i = 0; i < 1u << width; i++)
			data(true, (uint8_t)(value >> (8 * i)));
		break;
	case COMMAND:
		command((uint8_t)value);
		break;
	case CONTROL:
		for (unsigned int i = 0; i < 2; i++) {
			struct disk *x = &disks[i];

			bool was_reset = x->control & SRST;

			x->control = (uint8_t)value;
			x->line = x->line && !(value & SRST);
			if (value & SRST) {
				x->status = BSY;
				x->busy = NEVER;
				x->way = NOTHING;
				x->multiple = 16;
				x->reg[DEVICE][0] &= ~0x10;
				unit[direct] = 0;
			} else if (was_reset) {
				x->busy = x->slow;
				x->status = x->slow ? BSY : DRDY;
				for (unsigned int r = 1; r < 6; r++)
					x->reg[r][0] = r < 4;
			}
		}
		break;
	default:
		for (unsigned int i = 0; i < 2; i++) {
			disks[i].reg[reg][1] = disks[i].reg[reg][0];
			disks[i].reg[reg][0] = (uint8_t)value;
		}
		if (reg == DEVICE)
			unit[direct] = value >> 4 & 1;
	}
}

void disk_time(void)
{
	if (d->busy && d->busy != NEVER)
		ready();
}
