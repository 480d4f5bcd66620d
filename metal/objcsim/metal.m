//go:build objcsim && !darwin

// Metal's classes, as far as metal/mtl uses them. A misuse ends the process, as
// Metal's validation does, and Go shows the stack of the sender.

#import <Foundation/Foundation.h>
#import <objc/message.h>
#import <objc/runtime.h>

#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

enum { maxIndex = 31, maxBytes = 4095 };
enum { statusNotEnqueued = 0, statusCommitted = 2, statusCompleted = 4, statusError = 5 };
enum { dispatchConcurrent = 1, barrierBuffers = 1, languageNewest = 3 << 16 | 2 };

static long live, messages, withoutPool;

// tally adds to a counter that all threads share, and returns it.
static long tally(long *counter, long n) { return __atomic_add_fetch(counter, n, __ATOMIC_SEQ_CST); }

long sim_live(void) { return tally(&live, 0); }
long sim_messages(void) { return tally(&messages, 0); }
long sim_without_pool(void) { return tally(&withoutPool, 0); }

static void listenTo(NSString *line) {
	if ([line rangeOfString: @"without pool"].location != NSNotFound) {
		tally(&withoutPool, 1);
	}
	fputs([line UTF8String], stderr);
}

// misuse ends the process.
static void misuse(id object, SEL selector, NSString *format, ...) {
	@autoreleasepool {
		va_list args;
		va_start(args, format);
		NSString *what = [[NSString alloc] initWithFormat: format arguments: args];
		fprintf(stderr, "Metal: -[%s %s]: %s\n", object_getClassName(object), sel_getName(selector),
		        [what UTF8String]);
		abort();
	}
}

static void unknown(id object, SEL selector) { misuse(object, selector, @"there is no such method"); }

static void uncaught(NSException *e) {
	fprintf(stderr, "Foundation: %s: %s\n", [[e name] UTF8String], [[e reason] UTF8String]);
	abort();
}

static IMP (*forward)(id, SEL);

// forwardFor finds the function for a selector that a class lacks. GNU's way to
// forward needs the receiver, which the bindings do not name when they look up a
// method.
static IMP forwardFor(id receiver, SEL selector) {
	return receiver == nil ? (IMP)unknown : forward(receiver, selector);
}

void sim_start(void) {
	_NSLog_printf_handler = listenTo;
	NSSetUncaughtExceptionHandler(uncaught);
	forward = __objc_msg_forward2;
	__objc_msg_forward2 = forwardFor;
}

#define CHECK(condition, ...) \
	do { \
		if (!(condition)) misuse(self, _cmd, __VA_ARGS__); \
	} while (0)

// report makes the NSError and frees the strings.
static NSError *report(simError e) {
	NSString *text = [NSString stringWithUTF8String: e.text];
	NSError *error = [NSError
	    errorWithDomain: [NSString stringWithUTF8String: e.domain]
	               code: e.code
	           userInfo: [NSDictionary dictionaryWithObject: text forKey: NSLocalizedDescriptionKey]];
	free(e.domain);
	free(e.text);
	return error;
}

// SimReleased is what an object becomes when its last owner lets go. Its memory
// is kept, so that a late message is always found out.
@interface SimReleased : NSObject
@end

@implementation SimReleased
- (id) retain { misuse(self, _cmd, @"the object was released before"); return self; }
- (oneway void) release { misuse(self, _cmd, @"the object was released before"); }
- (id) autorelease { misuse(self, _cmd, @"the object was released before"); return self; }
@end

// SimObject counts itself.
@interface SimObject : NSObject
@end

@implementation SimObject
- (id) init {
	self = [super init];
	tally(&live, 1);
	return self;
}

- (void) dealloc {
	tally(&live, -1);
	object_setClass(self, [SimReleased class]);
	if (0) [super dealloc];
}
@end

@interface MTLCompileOptions : SimObject {
@public
	BOOL fastMath;
	NSUInteger language;
}
@end

@implementation MTLCompileOptions
- (id) init {
	self = [super init];
	fastMath = YES; // Metal's defaults
	language = languageNewest;
	return self;
}
- (void) setFastMathEnabled: (BOOL) on { fastMath = on; }
- (void) setLanguageVersion: (NSUInteger) version { language = version; }
@end

@interface MTLFunctionConstantValues : SimObject {
@public
	simConstant *values;
	long count;
}
@end

@implementation MTLFunctionConstantValues
- (void) setConstantValue: (const void *) value type: (NSUInteger) type atIndex: (NSUInteger) index {
	CHECK(value != NULL && index < 65536, @"no value, or index %lu", (unsigned long)index);
	values = realloc(values, (count + 1) * sizeof *values);
	simConstant *c = &values[count++];
	*c = (simConstant){.index = index, .type = type};
	enum { dataTypeBool = 53 };
	memcpy(&c->bits, value, type == dataTypeBool ? 1 : 4);
}

- (void) dealloc {
	free(values);
	[super dealloc];
}
@end

@interface SimLibrary : SimObject {
@public
	uintptr_t handle;
}
@end

@interface SimFunction : SimObject {
@public
	uintptr_t handle;
	SimLibrary *library;
	NSString *name;
}
@end

@implementation SimFunction
- (void) dealloc {
	simClose(handle);
	[library release];
	[name release];
	[super dealloc];
}
@end

@implementation SimLibrary
- (id) newFunctionWithName: (NSString *) name
            constantValues: (MTLFunctionConstantValues *) values
                     error: (NSError **) error {
	CHECK(values != nil, @"constantValues must not be nil");
	simError e = {0};
	uintptr_t h = simPipeline(handle, (char *)[name UTF8String], values->values, values->count, &e);
	if (h == 0) {
		NSError *why = report(e);
		if (error) *error = why;
		return nil;
	}
	SimFunction *f = [SimFunction new];
	f->handle = h;
	f->library = [self retain];
	f->name = [name copy];
	return f;
}

- (void) dealloc {
	simClose(handle);
	[super dealloc];
}
@end

@interface SimPipeline : SimObject {
@public
	SimFunction *function;
	long maxThreads, threadgroup;
}
@end

@implementation SimPipeline
- (NSUInteger) maxTotalThreadsPerThreadgroup { return maxThreads; }
- (NSUInteger) threadExecutionWidth { return 32; }
- (NSUInteger) staticThreadgroupMemoryLength { return threadgroup; }

- (void) dealloc {
	[function release];
	[super dealloc];
}
@end

@interface SimBuffer : SimObject {
@public
	uintptr_t handle;
	void *contents;
	NSUInteger length;
}
@end

@implementation SimBuffer
- (void *) contents { return contents; }
- (NSUInteger) length { return length; }

- (void) dealloc {
	simClose(handle);
	[super dealloc];
}
@end

@interface SimCommandBuffer : SimObject {
@public
	uintptr_t handle;
	int encoding, status;
	double start, seconds;
	NSError *error;
	NSMutableArray *used; // buffers and pipelines live until the commands are done
}
@end

@interface SimEncoder : SimObject {
@public
	SimCommandBuffer *commands;
	SimPipeline *pipeline;
	BOOL ended;
}
@end

@implementation SimEncoder
- (void) use: (id) object from: (SEL) selector {
	tally(&messages, 1);
	if (ended) misuse(self, selector, @"the encoder has ended");
	if (object) [commands->used addObject: object];
}

- (void) setComputePipelineState: (SimPipeline *) p {
	CHECK([p isKindOfClass: [SimPipeline class]], @"%@ is no pipeline", [p class]);
	[self use: p from: _cmd];
	pipeline = p;
	simSetPipeline(commands->handle, p->function->handle);
}

- (void) setBuffers: (const id *) buffers offsets: (const NSUInteger *) offsets withRange: (NSRange) range {
	[self use: nil from: _cmd];
	CHECK(range.length > 0 && range.location + range.length <= maxIndex, @"indices %lu to %lu",
	      (unsigned long)range.location, (unsigned long)(range.location + range.length));
	uintptr_t handles[maxIndex];
	uint64_t starts[maxIndex];
	for (NSUInteger i = 0; i < range.length; i++) {
		SimBuffer *b = buffers[i];
		CHECK([b isKindOfClass: [SimBuffer class]], @"%@ is no buffer", [b class]);
		CHECK(offsets[i] < b->length, @"offset %lu of a buffer of %lu bytes", (unsigned long)offsets[i],
		      (unsigned long)b->length);
		[commands->used addObject: b];
		handles[i] = b->handle;
		starts[i] = offsets[i];
	}
	simSetBuffers(commands->handle, range.location, range.length, handles, starts);
}

- (void) setBytes: (const void *) bytes length: (NSUInteger) length atIndex: (NSUInteger) index {
	[self use: nil from: _cmd];
	CHECK(length > 0 && length <= maxBytes && index < maxIndex, @"%lu bytes at index %lu",
	      (unsigned long)length, (unsigned long)index);
	simSetBytes(commands->handle, (void *)bytes, length, index);
}

- (void) setThreadgroupMemoryLength: (NSUInteger) length atIndex: (NSUInteger) index {
	[self use: nil from: _cmd];
	CHECK(length % 16 == 0 && index < maxIndex, @"%lu bytes at index %lu", (unsigned long)length,
	      (unsigned long)index);
	simSetThreadgroup(commands->handle, length, index);
}

- (void) dispatchThreadgroups: (simSize) groups threadsPerThreadgroup: (simSize) threads {
	[self use: nil from: _cmd];
	CHECK(pipeline != nil, @"no pipeline is set");
	CHECK(groups.width && groups.height && groups.depth, @"no threadgroups");
	uint64_t n = threads.width * threads.height * threads.depth;
	CHECK(n > 0 && n <= (uint64_t)pipeline->maxThreads, @"%lu threads in a threadgroup, of at most %ld",
	      (unsigned long)n, pipeline->maxThreads);
	simDispatch(commands->handle, groups, threads);
}

- (void) memoryBarrierWithScope: (NSUInteger) scope {
	[self use: nil from: _cmd];
	CHECK(scope == barrierBuffers, @"scope %lu", (unsigned long)scope);
	simBarrier(commands->handle);
}

- (void) endEncoding {
	[self use: nil from: _cmd];
	ended = YES;
	commands->encoding = 0;
}

- (void) dealloc {
	CHECK(ended, @"released before endEncoding");
	[commands release];
	[super dealloc];
}
@end

@implementation SimCommandBuffer
- (id) computeCommandEncoderWithDispatchType: (NSUInteger) type {
	tally(&messages, 1);
	CHECK(type == dispatchConcurrent, @"the stand-in encodes concurrent dispatches only");
	CHECK(!encoding && status == statusNotEnqueued, @"another encoder is open, or commit was called");
	SimEncoder *e = [SimEncoder new];
	e->commands = [self retain];
	encoding = 1;
	return [e autorelease];
}

- (void) commit {
	tally(&messages, 1);
	CHECK(!encoding, @"an encoder has not ended");
	CHECK(status == statusNotEnqueued, @"commit was called before");
	status = statusCommitted;
	simCommit(handle);
}

- (void) finish {
	simError e = {0};
	status = simWait(handle, &seconds, &e) ? statusCompleted : statusError;
	if (status == statusError) error = [report(e) retain];
	[used release];
	used = nil;
}

- (void) waitUntilCompleted {
	tally(&messages, 1);
	CHECK(status != statusNotEnqueued, @"commit was not called");
	if (status == statusCommitted) [self finish];
}

- (NSUInteger) status { tally(&messages, 1); return status; }
- (NSError *) error { tally(&messages, 1); return error; }
- (double) GPUStartTime { tally(&messages, 1); return start; }
- (double) GPUEndTime { tally(&messages, 1); return start + seconds; }

- (void) dealloc {
	if (status == statusNotEnqueued) {
		simDrop(handle);
		[used release];
	}
	if (status == statusCommitted) [self finish]; // as the GPU does, asked or not
	[error release];
	[super dealloc];
}
@end

@interface SimQueue : SimObject
@end

@implementation SimQueue
- (id) commandBuffer {
	tally(&messages, 1);
	uintptr_t h = simCommands();
	if (h == 0) return nil;
	SimCommandBuffer *c = [SimCommandBuffer new];
	c->handle = h;
	c->start = 1;
	c->used = [NSMutableArray new];
	return [c autorelease];
}
@end

@interface SimDevice : SimObject {
@public
	simLimits limits;
}
@end

@implementation SimDevice
- (NSString *) name { return [NSString stringWithUTF8String: limits.name]; }
- (BOOL) hasUnifiedMemory { return YES; }
- (uint64_t) recommendedMaxWorkingSetSize { return limits.memory; }
- (NSUInteger) maxBufferLength { return limits.maxBuffer; }
- (NSUInteger) maxThreadgroupMemoryLength { return limits.threadgroup; }

- (simSize) maxThreadsPerThreadgroup {
	return (simSize){limits.maxThreads, limits.maxThreads, limits.maxThreads};
}

// Apple families up to the backend's, and of the others what an M1 has.
- (BOOL) supportsFamily: (NSInteger) family {
	BOOL apple = family > 1000 && family <= 1000 + limits.family;
	return apple || family == 2002 || (family > 3000 && family <= 3003) ||
	       (family == 5001 && limits.family >= 7);
}

- (id) newCommandQueue { return simNoQueue() ? nil : [SimQueue new]; }

- (id) newLibraryWithSource: (NSString *) source
                    options: (MTLCompileOptions *) options
                      error: (NSError **) error {
	simError e = {0};
	uintptr_t h = simCompile((char *)[source UTF8String], options ? options->fastMath : YES,
	                         options ? options->language : languageNewest, &e);
	if (h == 0) {
		NSError *why = report(e);
		if (error) *error = why;
		return nil;
	}
	SimLibrary *l = [SimLibrary new];
	l->handle = h;
	return l;
}

- (id) newComputePipelineStateWithFunction: (SimFunction *) function error: (NSError **) error {
	CHECK([function isKindOfClass: [SimFunction class]], @"%@ is no function", [function class]);
	simError e = {0};
	if (simRejected((char *)[function->name UTF8String], &e)) {
		NSError *why = report(e);
		if (error) *error = why;
		return nil;
	}
	SimPipeline *p = [SimPipeline new];
	p->function = [function retain];
	simPipelineLimits(function->handle, &p->maxThreads, &p->threadgroup);
	return p;
}

- (id) newBufferWithLength: (NSUInteger) length options: (NSUInteger) options {
	CHECK(options == 0, @"the stand-in has shared, tracked buffers only, not options %lu",
	      (unsigned long)options);
	CHECK(length > 0 && length <= limits.maxBuffer, @"%lu bytes", (unsigned long)length);
	void *contents = NULL;
	uintptr_t h = simBuffer(length, &contents);
	if (h == 0) return nil;
	SimBuffer *b = [SimBuffer new];
	b->handle = h;
	b->contents = contents;
	b->length = length;
	return b;
}

- (void) dealloc {
	free(limits.name);
	[super dealloc];
}
@end

void *MTLCreateSystemDefaultDevice(void) {
	simLimits limits;
	if (!simDevice(&limits)) return NULL;
	SimDevice *d = [SimDevice new];
	d->limits = limits;
	return d;
}
