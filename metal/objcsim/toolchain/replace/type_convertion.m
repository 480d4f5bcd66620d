// Go values to Foundation objects and back, without the bridging casts that
// only Apple's compiler setup has.

#import <Foundation/Foundation.h>

#include "type_convertion.h"

void *to_ns_string(const char *s) { return [NSString stringWithUTF8String: s]; }
const char *to_c_string(void *s) { return [(NSString *)s UTF8String]; }

void *to_ns_data(data d) {
	return d.len ? [NSData dataWithBytes: d.data length: d.len] : [NSData data];
}

data to_c_bytes(void *p) {
	NSData *d = p;
	return (data){.data = [d bytes], .len = [d length]};
}

void *to_ns_array(array a) {
	return [NSMutableArray arrayWithObjects: (id *)a.data count: a.len];
}

array to_c_array(void *p) {
	NSArray *v = p;
	array a = {.data = malloc([v count] * sizeof(void *) + 1), .len = [v count]};
	[v getObjects: (id *)a.data];
	return a;
}

void *to_ns_dict(dict d) {
	return [NSMutableDictionary dictionaryWithObjects: (id *)d.value_data
	                                          forKeys: (id *)d.key_data
	                                            count: d.len];
}

dict to_c_items(void *p) {
	NSDictionary *m = p;
	NSArray *keys = [m allKeys];
	NSUInteger n = [keys count];
	id *k = malloc(n * sizeof(id) + 1), *v = malloc(n * sizeof(id) + 1);
	for (NSUInteger i = 0; i < n; i++) {
		k[i] = [keys objectAtIndex: i];
		v[i] = [m objectForKey: k[i]];
	}
	return (dict){.key_data = k, .value_data = v, .len = n};
}
