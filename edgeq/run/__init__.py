"""Running a package: interpreter, host, QEMU."""

from edgeq.run.verbs import bench_package, run_package, verify_package

__all__ = ["bench_package", "run_package", "verify_package"]
