// What Apple's Objective-C runtime declares and GNU's does not, as far as
// darwinkit names it. runtime.m defines the functions.

#if defined(__OBJC__) && !defined(EVENKEEL_APPLE_H)
#define EVENKEEL_APPLE_H

#import <objc/message.h>
#import <objc/runtime.h>

typedef struct {
	const char *name, *value;
} objc_property_attribute_t;

typedef uintptr_t objc_AssociationPolicy;
typedef Property objc_property_t;
typedef unsigned char Byte;

IMP imp_implementationWithBlock(id block);
id imp_getBlock(IMP imp);
BOOL imp_removeBlock(IMP imp);
char *property_copyAttributeValue(Property p, const char *name);
objc_property_attribute_t *property_copyAttributeList(Property p, unsigned int *n);
BOOL class_addProperty(Class c, const char *name, const objc_property_attribute_t *a, unsigned int n);
void class_replaceProperty(Class c, const char *name, const objc_property_attribute_t *a,
                           unsigned int n);
void objc_setAssociatedObject(id o, const void *key, id v, objc_AssociationPolicy p);
id objc_getAssociatedObject(id o, const void *key);
void objc_removeAssociatedObjects(id o);
IMP class_getMethodImplementation_stret(Class c, SEL s);
Protocol *objc_allocateProtocol(const char *name);

#endif
