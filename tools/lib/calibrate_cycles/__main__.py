"""Command line of the calibration."""

from __future__ import annotations

import argparse
import math

from calibrate_cycles.peers import PEERS, Peer
from calibrate_cycles.stand_ins import Cost, profile
from edgeq.cycles.core import Core, load_core


def predicted(peer: Peer, costs: dict[str, Cost], core: Core) -> float:
    """Millions of cycles, before scaling."""
    assert core.flash is not None
    straight = sum(millions * costs[kind].per_instruction for kind, millions in peer.instructions.items())
    misses = sum(millions * costs[kind].misses_per_mac for kind, millions in peer.macs.items())
    return straight + misses * core.flash.data_wait


def main() -> None:
    argparse.ArgumentParser(description="Fits the scale of targets/cores/cortex-m4.toml.").parse_args()
    core = load_core("cortex-m4")
    assert core is not None
    costs = profile("cortex-m4", core)
    for kind, cost in costs.items():
        print(f"{kind:16} {cost.per_instruction:.3f} cycles per instruction, {cost.misses_per_mac:.4f} units per MAC")
    ratios = {name: peer.cycles / predicted(peer, costs, core) for name, peer in PEERS.items()}
    scale = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
    for name, ratio in ratios.items():
        print(f"{name:16} published {PEERS[name].cycles:7.3f} M cycles, estimated {scale / ratio - 1:+.1%}")
    print(f"scale = {scale:.3f}\nresidual = {max(abs(scale / ratio - 1) for ratio in ratios.values()):.3f}")


main()
