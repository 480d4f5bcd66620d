// What the Objective-C side and the Go side of the stand-in tell each other.

#ifndef EVENKEEL_SIM_H
#define EVENKEEL_SIM_H

#include <stdint.h>

typedef struct {
	uint64_t width, height, depth;
} simSize;

typedef struct {
	char *name; // malloc'ed
	long family, maxThreads, threadgroup;
	uint64_t memory, maxBuffer;
} simLimits;

// simError is an NSError to be: strings are malloc'ed, text is NULL when there is none.
typedef struct {
	char *domain, *text;
	long code;
} simError;

typedef struct {
	uint64_t index, type; // type is an MTLDataType
	uint32_t bits;
} simConstant;

// Counters of the Objective-C side.
long sim_live(void);
long sim_messages(void);
long sim_without_pool(void);

// sim_start begins to count autoreleases without a pool, and to end the process
// at a message that a class does not know.
void sim_start(void);

#endif
