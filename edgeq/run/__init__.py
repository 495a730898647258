"""Running a package: interpreter, host, QEMU; one file per verb (`run`, `verify`, `bench`)."""
