package ui

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	os.Setenv("LANG", "en_US.UTF-8") // Fyne logs an error without
	goleak.VerifyTestMain(m)
}
