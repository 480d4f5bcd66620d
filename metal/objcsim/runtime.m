//go:build objcsim && !darwin

// Functions of Apple's Objective-C runtime that darwinkit links with and GNU's
// runtime lacks. Nothing of ours may get as far as calling one.

#import <objc/runtime.h>

#include <stdio.h>
#include <stdlib.h>

#define MISSING \
	do { \
		fprintf(stderr, "objcsim: %s does not exist over GNUstep\n", __func__); \
		abort(); \
	} while (0)

IMP imp_implementationWithBlock(id block) { MISSING; }
id imp_getBlock(IMP imp) { MISSING; }
BOOL imp_removeBlock(IMP imp) { MISSING; }

char *property_copyAttributeValue(Property p, const char *name) { MISSING; }

objc_property_attribute_t *property_copyAttributeList(Property p, unsigned int *n) { MISSING; }

BOOL class_addProperty(Class c, const char *name, const objc_property_attribute_t *a, unsigned int n) {
	MISSING;
}

void class_replaceProperty(Class c, const char *name, const objc_property_attribute_t *a,
                           unsigned int n) {
	MISSING;
}

void objc_setAssociatedObject(id o, const void *key, id v, objc_AssociationPolicy p) { MISSING; }
id objc_getAssociatedObject(id o, const void *key) { MISSING; }
void objc_removeAssociatedObjects(id o) { MISSING; }

Protocol *objc_allocateProtocol(const char *name) { MISSING; }

// GNU's runtime finds methods that return structs in the same table.
IMP class_getMethodImplementation_stret(Class c, SEL s) { return class_getMethodImplementation(c, s); }
