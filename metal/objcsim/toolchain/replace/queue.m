// Dispatch queues for darwinkit's package dispatch, which we do not use: tasks
// run at once.

#import <stdint.h>

#include "_cgo_export.h"

static int queue;

void *Dispatch_Get_Main_Queue() { return &queue; }
void *Dispatch_Get_Global_Queue(intptr_t a, uintptr_t b) { return &queue; }
void Dispatch_Retain(void *q) {}
void Dispatch_Release(void *q) {}
void Dispatch_Async(void *q, uintptr_t task) { runQueueTask(task); }
void Dispatch_Sync(void *q, uintptr_t task) { runQueueTask(task); }
