"""A real Slurm of one node on loopback, from Debian's packages: started as root, stopped by pid.

`python -m tests.slurm.cluster` starts one by hand until Ctrl-C.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
NODE = socket.gethostname().partition(".")[0]
CPUS, MEMORY = 4, 100_000  # what the node claims to have, whatever the machine has
# The GPU has no device behind it: Slurm counts it, and torch finds none.
CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={node}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1
ReturnToService=2
KillWait=10
MinJobAge=300
GresTypes=gpu
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={node} Default=YES MaxTime=INFINITE State=UP
"""


def lacking() -> str:
    """Why no Slurm can be started here, or "" if one can."""
    if os.geteuid() != 0:
        return "needs root"
    needed = (*DAEMONS, "sbatch", "srun", "scontrol")
    absent = [name for name in needed if not shutil.which(name, path=PATH)]
    if absent:
        return f"no {', '.join(absent)}; apt-get install slurmctld slurmd slurm-client munge"
    plugin = importlib.util.find_spec("snakemake_executor_plugin_slurm")
    return "" if plugin else "no Slurm executor for Snakemake; make slurm"


PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Cluster:
    """A running Slurm. `environment` has what its clients need."""

    folder: Path
    environment: dict[str, str]

    def ask(self, *command: str) -> str:
        """The output of a client command, such as `squeue`."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, timeout=30
        ).stdout

    def jobs(self, *states: str) -> dict[str, str]:
        """The jobs in the named states, or in all: id -> the comment that Snakemake gives them."""
        chosen = ["--states", ",".join(states) if states else "all"]
        lines = self.ask("squeue", "--noheader", *chosen, "--format=%i %k").splitlines()
        return dict(line.split(maxsplit=1) for line in lines)

    def node(self, state: str) -> None:
        """Sets the state of the node, such as `drain` or `resume`."""
        self.ask("scontrol", "update", f"NodeName={NODE}", f"State={state}", "Reason=test")


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Starts munge, slurmctld and slurmd, and stops them and the jobs that still run."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/var/tmp"))
    folder.chmod(0o755)
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    text = CONFIGURATION.format(
        node=NODE, folder=folder, ports=free_ports(2), cpus=CPUS, memory=MEMORY
    )
    (folder / "slurm.conf").write_text(text)
    (folder / "gres.conf").write_text("AutoDetect=off\nName=gpu File=/dev/null,/dev/zero\n")
    environment = os.environ | {
        "SLURM_CONF": str(folder / "slurm.conf"),
        "PATH": f"{folder}/bin:{PATH}",
    }
    # Inside a job, Snakemake's plugin calls srun without any of Slurm's variables.
    srun = folder / "bin" / "srun"
    srun.write_text(
        f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun", path=PATH)} "$@"\n'
    )
    srun.chmod(0o755)
    made = Cluster(folder, environment)
    places = [f"--{name}={folder}/munge.{ending}" for name, ending in MUNGE.items()]
    commands = {
        "munged": ["munged", "--foreground", "--force", "--num-threads=2", *places],
        "slurmctld": ["slurmctld", "-D", "-c"],
        "slurmd": ["slurmd", "-D", "-N", NODE],
    }
    running: list[subprocess.Popen] = []
    try:
        for name, command in commands.items():
            with open(folder / f"{name}.out", "wb") as log:
                running.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            wait_until(lambda: ready(made, name, running[-1]), name, folder)  # noqa: B023
        yield made
    finally:
        stop(running, environment["SLURM_CONF"])
        shutil.rmtree(folder, ignore_errors=True)


def stop(daemons: list[subprocess.Popen], configuration: str) -> None:
    """Ends the daemons, and every process of theirs or of a job that is left, by its id."""
    for process in reversed(daemons):
        process.terminate()
    for process in reversed(daemons):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()
        process.wait()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended in the meantime
            if f"SLURM_CONF={configuration}".encode() in environment.read_bytes().split(b"\0"):
                os.kill(int(environment.parent.name), signal.SIGKILL)


MUNGE = {
    "key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log",
    "seed-file": "seed",
}  # fmt: skip


def ready(made: Cluster, name: str, process: subprocess.Popen) -> bool:
    """Whether a daemon answers. Raises RuntimeError with its output if it has ended."""
    if process.poll() is not None:
        raise RuntimeError((made.folder / f"{name}.out").read_text(errors="replace")[-2000:])
    if name == "munged":
        return (made.folder / "munge.socket").exists()
    try:
        if name == "slurmctld":
            return "UP" in made.ask("scontrol", "ping")
        return made.ask("sinfo", "--noheader", "--format=%T").strip() == "idle"
    except subprocess.CalledProcessError:
        return False


def wait_until(condition, name: str, folder: Path, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            output = (folder / f"{name}.out").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{name} does not answer: {output}")
        time.sleep(0.2)


def free_ports(count: int) -> list[int]:
    """Ports on which nothing listens now."""
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


if __name__ == "__main__":
    if reason := lacking():
        sys.exit(f"error: {reason}")
    with cluster() as made, contextlib.suppress(KeyboardInterrupt):
        print(f"export SLURM_CONF={made.environment['SLURM_CONF']}", flush=True)
        signal.pause()
