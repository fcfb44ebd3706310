"""One contender in its own process, and the slices of time in which all contenders alternate.

A child process prepares and answers {"ready": ...}. Each line on its standard input is a time in
seconds, for which it runs steps. Its answer is one line of JSON: steps, seconds, cpu_seconds (of
all its threads), others (cores that other processes used) and peak_bytes. It waits between slices,
so contenders never overlap, and drifts of the machine affect all of them.

    python -m benchmarks.contender <module> <specification as JSON>

The module's `prepare(spec)` returns `step() -> number of steps done`.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LONGEST = {"cpu": 600.0, "cuda": 90.0}  # seconds for an answer


class ContenderError(Exception):
    """A contender's process ended. The message is the last line that it wrote."""


class Contender:
    """The parent's side. It starts the process at once; `close` ends the process."""

    def __init__(self, module: str, spec: dict[str, Any], python: Path | str = sys.executable):
        threads, self.device = str(spec["threads"]), spec["device"]
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  # until close
        self.process = subprocess.Popen(
            [str(python), "-m", "benchmarks.contender", module, json.dumps(spec)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
        )

    def answer(self) -> dict[str, Any]:
        """Raises ContenderError if the process ends. One that hangs is ended."""
        watchdog = threading.Timer(LONGEST[self.device], self.process.kill)
        watchdog.daemon = True
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            lines = self.errors.read().strip().splitlines()
            raise ContenderError(lines[-1] if lines else f"exit {self.process.returncode}")
        return json.loads(line)

    def run(self, seconds: float) -> dict[str, Any]:
        """Runs one slice of at least `seconds` seconds and returns the answer."""
        with contextlib.suppress(BrokenPipeError):  # `answer` raises the reason
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
        return self.answer()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def serve(module: str, spec: dict[str, Any]) -> None:
    """The child's side. Output of libraries goes to standard error, so answers stay separate."""
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    import torch

    step = prepared(module, spec)
    synchronise = torch.cuda.synchronize if spec["device"] == "cuda" else lambda: None
    forget_peak()
    channel.write(json.dumps({"ready": torch.__version__}) + "\n")
    for line in sys.stdin:
        answer = time_steps(step, synchronise, float(line))
        channel.write(json.dumps(answer | {"peak_bytes": peak_bytes(spec["device"])}) + "\n")


def prepared(module: str, spec: dict[str, Any]) -> Callable[[], int]:
    """A contender's step, with its threads, and its matrix products in TF32 if it asks for it."""
    import torch

    torch.set_num_threads(spec["threads"])
    if spec.get("tf32"):
        torch.set_float32_matmul_precision("high")
    return importlib.import_module(module).prepare(spec)


def time_steps(
    step: Callable[[], int], synchronise: Callable[[], None], seconds: float
) -> dict[str, Any]:
    """Runs steps until the time is up. An untimed step before it fills the caches again.

    The GPU is synchronised more and more rarely: each time, the calls have grown by a quarter.
    """
    step()
    synchronise()
    busy, used, began, steps, calls = (
        busy_elsewhere(),
        time.process_time(),
        time.perf_counter(),
        0,
        0,
    )
    while (passed := time.perf_counter() - began) < seconds or not steps:
        for _ in range(1 + calls // 4):
            steps += step()
            calls += 1
        synchronise()
    others = max(0.0, busy_elsewhere() - busy) / passed
    used = time.process_time() - used
    return {"steps": steps, "seconds": passed, "cpu_seconds": used, "others": others}


def busy_elsewhere() -> float:
    """Seconds that the machine's cores have spent on other processes; 0 if there is no /proc."""
    path = Path("/proc/stat")
    if not path.exists():
        return 0.0
    user, nice, system, _, _, *interrupts = map(int, path.read_text().split("\n")[0].split()[1:9])
    busy = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
    return busy - time.process_time()


def forget_peak() -> None:
    """Makes Linux record peak memory from now on, without what the preparation needed."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes(device: str) -> int:
    """The peak memory of this process: on the GPU if it computes there, else the main memory.

    It is 0 if there is no /proc. `ru_maxrss` is not used, because it includes the memory of the
    parent at the time when it started this process.
    """
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated()
    path = Path("/proc/self/status")
    lines = path.read_text().splitlines() if path.exists() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    serve(sys.argv[1], json.loads(sys.argv[2]))
