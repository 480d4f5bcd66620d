package mtl

// family is one row of Metal's feature table: its MTLGPUFamily value and our name.
type family struct {
	value int
	name  string
}

// families are the ones macOS 14 knows. Values are written out because the
// bindings stop at apple7.
var families = []family{
	{1001, "apple1"},
	{1002, "apple2"},
	{1003, "apple3"},
	{1004, "apple4"},
	{1005, "apple5"},
	{1006, "apple6"},
	{1007, "apple7"},
	{1008, "apple8"},
	{1009, "apple9"},
	{2002, "mac2"},
	{3001, "common1"},
	{3002, "common2"},
	{3003, "common3"},
	{5001, "metal3"},
}

// supported lists the names of the families for which has is true.
func supported(has func(value int) bool) []string {
	var names []string
	for _, f := range families {
		if has(f.value) {
			names = append(names, f.name)
		}
	}
	return names
}

// apple is the number of the newest Apple GPU family for which has is true, 0
// for a GPU that is not Apple's.
func apple(has func(value int) bool) int {
	newest := 0
	for _, f := range families {
		if f.value > 1000 && f.value < 2000 && has(f.value) {
			newest = f.value - 1000
		}
	}
	return newest
}
