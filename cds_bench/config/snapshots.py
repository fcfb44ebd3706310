"""The steps of training whose policies are kept."""

from cds_bench.config.profile import Config
from cds_bench.errors import BenchError


def snapshot_steps(config: Config) -> list[int]:
    """The steps whose policies are kept: an even grid for the curves, then the final snapshots.

    The grid covers [0, 0.9 steps). The final snapshots are spread evenly over [0.9 steps, steps].
    """
    steps, protocol = config.training.steps, config.protocol
    curve = {round(steps * k / protocol.curve_snapshots) for k in range(protocol.curve_snapshots)}
    tail, count = steps / 10, protocol.final_snapshots
    final = {round(steps - tail * k / max(count - 1, 1)) for k in range(count)}
    if len(final) < count:
        raise BenchError(
            f"training.steps: {steps} steps are too few for {count} final snapshots in the last "
            "tenth; raise training.steps"
        )
    return sorted({step for step in curve if step < steps - tail} | final)
