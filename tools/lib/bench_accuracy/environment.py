"""The peers' own virtual environment: they are never dependencies of edgeq."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

PEERS = ("onnxruntime==1.31.1", "esp-ppq==1.3.12", "aimet-onnx==2.42.0")
# Named first and together: left to their own requirements, the peers would pull a PyTorch for GPUs.
TORCH = ("torch==2.13.0", "torchvision==0.28.0")


def interpreter(folder: Path) -> Path:
    """Of the environment in `folder`."""
    return folder / "bin/python"


def ensure_peers(folder: Path) -> None:
    """Makes the environment where it is missing; a peer that cannot be installed is left out, and its runs say so."""
    python = interpreter(folder)
    if not python.exists():
        venv.create(folder, with_pip=True)
        _install(python, *TORCH)
        for peer in PEERS:
            _install(python, *TORCH, peer)


def versions(folder: Path) -> dict[str, str]:
    """Installed versions of the peers, by distribution."""
    python = interpreter(folder)
    freeze = [str(python), "-m", "pip", "freeze"]
    listed = subprocess.run(freeze, capture_output=True, text=True, check=True).stdout if python.exists() else ""
    pinned = dict(line.split("==", 1) for line in listed.splitlines() if "==" in line)
    names = [peer.split("==")[0] for peer in PEERS]
    return {name: pinned.get(name, "not installed") for name in names}


def _install(python: Path, *packages: str) -> None:
    print(f"installing {' '.join(packages)}", file=sys.stderr)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=False)
