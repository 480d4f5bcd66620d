package main

import "strings"

// floor is one row of the house: a folder with all below it, unless a longer
// row names a folder inside.
type floor struct {
	folder string
	level  int
}

var house = []floor{
	{"shaders", 1},
	{"assets", 1},
	{"model/graph", 2},
	{"model", 3},
	{"metal", 3},
	{"trainer", 4},
	{"app", 5},
}

// outside keeps an outside module, or part of one, to the folders named. The
// longest path that fits decides.
type outside struct {
	path    string
	folders []string // exact packages; a trailing /... takes all below
	why     string
}

var outsiders = []outside{
	{"github.com/progrium/darwinkit", []string{"metal/mtl"},
		"only metal/mtl sends Objective-C messages"},
	{"fyne.io/fyne/v2", []string{"app", "app/ui/...", "app/chartview/..."},
		"only the window is drawn with Fyne; figures and command line work without it"},
	{"fyne.io/fyne/v2/app", []string{"app"},
		"it opens a real display; the window gets its fyne.App from app, and tests bring their own"},
}

// narrow keeps a package of ours to few imports of ours.
type narrow struct {
	folder string
	only   []string
	why    string
}

var narrows = []narrow{
	{"metal/device", []string{"model/graph"}, "the interfaces know the step as data and nothing else"},
}

// floorOf is the row that a folder belongs to: the longest that holds it.
func floorOf(folder string) (floor, bool) {
	best, ok := floor{}, false
	for _, f := range house {
		if within(folder, f.folder) && len(f.folder) >= len(best.folder) {
			best, ok = f, true
		}
	}
	return best, ok
}

// within says whether path is dir or lies below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+"/")
}

// admits says whether a list of folders, some ending in /..., holds folder.
func admits(folders []string, folder string) bool {
	for _, f := range folders {
		if root, all := strings.CutSuffix(f, "/..."); folder == f || all && within(folder, root) {
			return true
		}
	}
	return false
}
