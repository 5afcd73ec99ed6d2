/* Files below tests/world, embedded when the test is assembled. */
#ifndef ALMANAC_TESTS_SAMPLES_H
#define ALMANAC_TESTS_SAMPLES_H

#include "almanac/str.h"

#define EMBED(name, path)                                                                          \
	__asm__(".pushsection .rodata\n" #name ": .incbin \"tests/world/" path "\"\n" #name        \
		"_end: .byte 0\n.popsection\n");                                                   \
	extern const char name[], name##_end[]

#define SAMPLE(name) ((struct span){name, (size_t)(name##_end - name)})

#endif
