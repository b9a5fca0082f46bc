// SPDX-License-Identifier: GPL-2.0-or-later
/* decode.c - machine code by Zydis. */
#include <Zydis/Zydis.h>

#include "asm-pp/decode.h"

static enum decode_kind kind_of(ZydisMnemonic mnemonic)
{
	switch (mnemonic) {
	case ZYDIS_MNEMONIC_IN:
	case ZYDIS_MNEMONIC_INSB:
	case ZYDIS_MNEMONIC_INSW:
	case ZYDIS_MNEMONIC_INSD:
	case ZYDIS_MNEMONIC_OUT:
	case ZYDIS_MNEMONIC_OUTSB:
	case ZYDIS_MNEMONIC_OUTSW:
	case ZYDIS_MNEMONIC_OUTSD:
		return DECODE_PORT;
	case ZYDIS_MNEMONIC_HLT:
		return DECODE_HLT;
	case ZYDIS_MNEMONIC_CLI:
		return DECODE_CLI;
	case ZYDIS_MNEMONIC_STI:
		return DECODE_STI;
	default:
		return DECODE_OTHER;
	}
}

static void format(struct decoded *d, const ZydisDecodedInstruction *insn,
		   const ZydisDecodedOperand *operands)
{
	ZydisFormatter formatter;

	if (!ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_ATT)) ||
	    !ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, insn, operands,
							  insn->operand_count_visible, d->text,
							  sizeof(d->text),
							  ZYDIS_RUNTIME_ADDRESS_NONE, NULL)))
		d->text[0] = '\0';
}

void decode(struct decoded *d, unsigned int bits, const uint8_t *code, size_t size)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	ZydisDecoder decoder;

	*d = (struct decoded){ 0 };
	if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoder,
			bits == 64 ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LEGACY_32,
			bits == 64 ? ZYDIS_STACK_WIDTH_64 : ZYDIS_STACK_WIDTH_32)) ||
	    !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, size, &insn, operands)))
		return;
	d->len = insn.length;
	d->kind = kind_of(insn.mnemonic);
	if (insn.raw.imm[0].is_relative) {
		d->branches = true;
		d->to = insn.raw.imm[0].value.s;
		d->field = insn.raw.imm[0].offset;
	}
	if (d->kind != DECODE_OTHER)
		format(d, &insn, operands);
}
