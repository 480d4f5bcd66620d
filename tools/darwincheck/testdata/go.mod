module example.org/testdata

go 1.26.0

require github.com/progrium/darwinkit v0.5.0
