// Command bundle makes a macOS application bundle around any executable:
//
//	Evenkeel.app/Contents/Info.plist
//	                      PkgInfo
//	                      MacOS/evenkeel
//	                      Resources/icon.icns
//
// It runs on every system, and needs nothing of Apple's: property list and icon are written here. The
// bundle is put together under a temporary name and renamed, so that a failure leaves the older one.
//
// usage: bundle -exe FILE -icon FILE.png -version 1.2.3 [-o DIR.app]
package main

import (
	"debug/macho"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bundle", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o options
	flags.StringVar(&o.exe, "exe", "build/evenkeel", "the `executable`")
	flags.StringVar(&o.icon, "icon", "assets/mac.png", "the icon, a square `PNG` of 1024 pixels")
	flags.StringVar(&o.version, "version", "0.0.0", "`version` people see; three numbers at most count")
	flags.StringVar(&o.out, "o", "build/Evenkeel.app", "the bundle to write")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "bundle: %q is too much; all is said by flags, see bundle -h\n", flags.Arg(0))
		return 2
	}
	if err := write(o); err != nil {
		fmt.Fprintln(stderr, "bundle:", err)
		return 1
	}
	fmt.Fprintln(stdout, o.out)
	if why := notForMac(o.exe); why != "" {
		fmt.Fprintf(stdout, "No Mac opens this bundle: %s %s.\n", o.exe, why)
	}
	return 0
}

// options say what to bundle.
type options struct{ exe, icon, version, out string }

// write makes the bundle.
func write(o options) (err error) {
	icon, err := readIcon(o.icon)
	if err != nil {
		return err
	}
	list, err := infoList(filepath.Base(o.exe), o.version)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(o.out), ".bundle-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	contents := filepath.Join(temp, "new", "Contents")
	for _, dir := range []string{"MacOS", "Resources"} {
		if err := os.MkdirAll(filepath.Join(contents, dir), 0o755); err != nil {
			return err
		}
	}
	if err := copyExecutable(filepath.Join(contents, "MacOS", filepath.Base(o.exe)), o.exe); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"Info.plist": list, "PkgInfo": []byte("APPL????"), "Resources/icon.icns": icon,
	} {
		if err := os.WriteFile(filepath.Join(contents, filepath.FromSlash(name)), content, 0o644); err != nil {
			return err
		}
	}
	return replace(o.out, filepath.Join(temp, "new"), filepath.Join(temp, "old"))
}

// replace puts a folder in the place of an older one, which goes to aside. Anything but a bundle stays.
func replace(out, folder, aside string) error {
	if _, err := os.Lstat(out); err == nil {
		if _, err := os.Stat(filepath.Join(out, "Contents", "Info.plist")); err != nil {
			return fmt.Errorf("%s exists and is no bundle; move it away or name another with -o", out)
		}
		if err := os.Rename(out, aside); err != nil {
			return err
		}
	}
	if err := os.Rename(folder, out); err != nil {
		os.Rename(aside, out)
		return err
	}
	return nil
}

func copyExecutable(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil {
		return err
	} else if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is not an executable file; build it first", from)
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// notForMac says why Macs with Apple silicon do not run an executable, nothing when they do.
func notForMac(exe string) string {
	if fat, err := macho.OpenFat(exe); err == nil {
		defer fat.Close()
		for _, a := range fat.Arches {
			if a.Cpu == macho.CpuArm64 {
				return ""
			}
		}
		return "is not built for Apple silicon"
	}
	f, err := macho.Open(exe)
	if err != nil {
		return "is not a program for macOS"
	}
	defer f.Close()
	if f.Cpu != macho.CpuArm64 {
		return "is not built for Apple silicon"
	}
	return ""
}
