"""Running an artifact: interpreter, host, QEMU."""
