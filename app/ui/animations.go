package ui

import (
	"reflect"
	"unsafe"

	"fyne.io/fyne/v2"
)

// AnimationsKey finds the switch of Fyne's settings that turns all its animations off: the blinking of the
// cursor, the flash of buttons, the slide of tabs, and our own bar of progress, which asks for it too.
//
// Fyne reads that switch from a file that all its apps share and has no call to set it for one app, so it is
// set where it is kept. The result is nil where there is no such switch; the setting is not offered then.
func AnimationsKey(s fyne.Settings) *bool {
	v := reflect.ValueOf(s)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	schema := v.Elem().FieldByName("schema")
	if !schema.IsValid() || schema.Kind() != reflect.Struct {
		return nil
	}
	key := schema.FieldByName("DisableAnimations")
	if !key.IsValid() || key.Kind() != reflect.Bool {
		return nil
	}
	return (*bool)(unsafe.Pointer(key.UnsafeAddr()))
}

// animate turns animations off, or back to what the system's user has chosen for all apps of this kind.
func (w *Window) animate(on bool) {
	key := AnimationsKey(fyne.CurrentApp().Settings())
	if key == nil {
		return
	}
	if !w.prefs.still {
		w.prefs.stillBefore = *key
	}
	w.prefs.still = !on
	*key = w.prefs.stillBefore || !on
}
