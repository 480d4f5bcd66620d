//go:build !darwin || !cgo || ci

package main

// systemDocuments is nil where the system names documents on the command line, or not at all.
func systemDocuments() <-chan string { return nil }
