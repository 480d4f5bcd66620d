package mtl

import "fmt"

// constantType is the MTLDataType of a function constant's value.
func constantType(v any) (int, error) {
	switch v.(type) {
	case float32:
		return 3, nil
	case int32:
		return 29, nil
	case uint32:
		return 33, nil
	case bool:
		return 53, nil
	}
	return 0, fmt.Errorf("a function constant is a bool, int32, uint32 or float32, not %T", v)
}
