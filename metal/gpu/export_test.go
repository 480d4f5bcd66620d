package gpu

// Alter plants a mistake in every plan that the device makes from now on.
func Alter(d *Device, f func(*Plan)) { d.alter = f }
