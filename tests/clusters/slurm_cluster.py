"""A real SLURM on this machine: one controller, and a daemon for each node, on ports of their own.

It needs Debian's packages slurmctld, slurmd, slurm-client and munge, and no service of the system.
Nothing outside its folder is written. Its processes, those of jobs included, carry a mark in their
environment, by which they are found and ended; `slurm_keeper` sees to that also where pytest is
killed. GPUs are second names of the null device, which only root can make.
"""

from __future__ import annotations

import functools
import getpass
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from clusters.slurm_keeper import MARK, marked, variables_of
from conftest import Project

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
# beside whose processes there is what jobs and tests have started
DAEMONS = ("munged", "slurmctld", "slurmd", "slurmscriptd")
NODES = ("n1", "n2", "n3")
GPUS = 2
# of which slurmd it is, in the environment of its step managers as well
NODE = "SEARCH_TEST_NODE"

CONFIGURATION = """
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# cred_expire is also how long a requeued job waits
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CryptoType=crypto/munge
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/state/slurmctld.pid
SlurmdPidFile={folder}/spool/%n/pid
# the machine may have less than its nodes say
SlurmdParameters=config_overrides
# no control groups, no accounting, no MPI
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=2,sched_min_interval=0,requeue_delay=1
SelectType=select/cons_tres
# jobs spread over the nodes
SelectTypeParameters=CR_Core_Memory,CR_LLN
GresTypes=gpu
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=10
# on a busy machine a node is late with its answers
SlurmdTimeout=30
SlurmctldTimeout=10
MessageTimeout=5
InactiveLimit=0
MinJobAge=300
DefMemPerCPU=100
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 GraceTime=10
PartitionName=short Nodes=ALL MaxTime=1 PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
"""
ONE_NODE = (
    "NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=8 Boards=1 "
    "SocketsPerBoard=1 CoresPerSocket=8 ThreadsPerCore=1 RealMemory=16000 Gres=gpu:{gpus}\n"
)


def missing_programs() -> list[str]:
    """Programs of SLURM that are not installed here."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@functools.cache
def can_hide_folders() -> bool:
    """Whether a process here can have a disk of its own in the place of a folder."""
    if shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", folder]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def hiding(folder: Path) -> list[str]:
    """The beginning of a command line whose processes see an empty disk in the place of a folder;
    nothing where this machine cannot do that."""
    if not can_hide_folders():
        return []
    hide = f'mount -t tmpfs none {folder}; exec "$@"'
    return ["unshare", "--mount", "bash", "-ec", hide, "bash"]


@contextmanager
def started_cluster() -> Iterator[SlurmCluster]:
    """A cluster with its nodes idle; ended with everything that it ran, whatever happens."""
    # not below pytest's folders: munge refuses to run as root, and another could not enter them
    folder = Path(tempfile.mkdtemp(prefix="search-slurm-"))
    folder.chmod(0o755)
    keeper = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("slurm_keeper.py"), folder],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        cluster = SlurmCluster(folder)
        cluster.start()
        yield cluster
    finally:
        keeper.communicate()


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it never did.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"never: {what}")
        time.sleep(0.05)


def causes(project: Project) -> list[str]:
    """Causes why attempts of a study have ended that were not done."""
    ends = [
        each["cause"]
        for number in range(len(project.states()))
        for each in project.events(number)
        if each["event"] == "attempt_ended"
    ]
    return [each for each in ends if each != "done"]


class SlurmCluster:
    """Commands to a cluster in a folder, and what can befall its nodes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf"), MARK: str(folder)}

    def start(self) -> None:
        """Configure and start it, and wait until all nodes are up."""
        for name in ("state", "log", "spool", "munge", "gpu", "head"):
            (self.folder / name).mkdir()
        self._start_munge()
        self._configure()
        self.start_controller()
        for node in NODES:
            self.revive(node)

    @property
    def disk_of_head(self) -> Path:
        """A folder that no node sees, where this machine can hide one."""
        return self.folder / "head"

    def run(self, *command: str) -> str:
        """What a command prints that must succeed."""
        return self.attempt(*command, check=True).stdout

    def attempt(self, *command: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        environment = {**os.environ, **self.environment}
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert result.returncode == 0 or not check, f"{command}: {result.stderr}"
        return result

    def jobs(self) -> list[str]:
        """Identifiers of the jobs that wait, run, or are being ended."""
        return self.run("squeue", "--noheader", "--format=%i").split()

    def processes(self, node: str | None = None) -> list[int]:
        """Processes of the cluster: daemons, jobs, and clients that tests have started. With a
        `node`, what would die with it, also where it has left the session of its job."""
        everything = marked(self.folder)
        if node is None:
            return everything
        variables = {pid: variables_of(pid) for pid in everything}
        # an attempt's environment says its job alone
        jobs = {
            each["SLURM_JOB_ID"]
            for each in variables.values()
            if each.get("SLURMD_NODENAME") == node and "SLURM_JOB_ID" in each
        }
        jobs |= set(self._jobs_on(node))
        return [
            pid
            for pid, each in variables.items()
            if each.get(NODE) == node or each.get("SLURM_JOB_ID") in jobs
        ]

    def of_jobs(self) -> list[int]:
        """Processes of jobs, and clients, which are all but the daemons."""
        return [pid for pid in self.processes() if not _name(pid).startswith(DAEMONS)]

    def assert_empty(self) -> None:
        """Assert that soon no job is there, nor a process of one."""
        wait_until(lambda: not self.jobs(), "all jobs are given back", timeout_s=120)
        wait_until(lambda: not self.of_jobs(), "no process is left")

    def kill_node(self, node: str) -> None:
        """Take a node's power: all of its processes die at once, and none sees another's death."""
        stopped: set[int] = set()
        while new := set(self.processes(node)) - stopped:
            for pid in new:
                _signal(pid, signal.SIGSTOP)
            stopped |= new
        for pid in stopped:
            _signal(pid, signal.SIGKILL)
        wait_until(lambda: not stopped & set(marked(self.folder)), f"{node} is dead")

    def revive(self, node: str) -> None:
        """Start the daemon of a node, anew after `kill_node`, and wait until it is up."""
        spool = self.folder / "spool" / node
        spool.mkdir(exist_ok=True)
        log = str(self.folder / "log" / f"slurmd-{node}.log")
        # bash changes their order, and step managers write their title over the first ones
        marks = {MARK: str(self.folder), NODE: node}
        last = [f"--unset={name}" for name in marks] + [f"{a}={b}" for a, b in marks.items()]
        daemon = ["env", *last, "slurmd", "-N", node, "-L", log]
        self._start_daemon(*hiding(self.disk_of_head), *daemon, **{NODE: node})
        self._wait_until_up(node)

    def declare_down(self, node: str) -> None:
        """Have the controller know at once that a node is dead, which it finds after a minute."""
        self.run("scontrol", "update", f"nodename={node}", "state=down", "reason=killed")

    def end_in(self, job: str, seconds: int) -> None:
        """Move the time limit of a running job, which users can only give in minutes."""
        self.run("scontrol", "update", f"jobid={job}", f"EndTime=now+{seconds}seconds")

    def state_of(self, node: str) -> str:
        """State of a node, in sinfo's word."""
        return self.attempt("sinfo", "--noheader", f"--nodes={node}", "--format=%t").stdout.strip()

    def _wait_until_up(self, node: str) -> None:
        # of a node whose jobs have ended, sinfo may say "mix" for a minute
        wait_until(lambda: self.state_of(node) in {"idle", "mix", "alloc"}, f"{node} is up")

    def start_controller(self) -> None:
        """Start slurmctld, anew after `kill_controller`."""
        self._start_daemon("slurmctld", "-i", "-L", str(self.folder / "log" / "slurmctld.log"))
        wait_until(lambda: self.attempt("scontrol", "ping").returncode == 0, "slurmctld answers")

    def kill_controller(self) -> None:
        """Kill slurmctld; jobs go on."""
        pid = int((self.folder / "state" / "slurmctld.pid").read_text())
        _signal(pid, signal.SIGKILL)
        wait_until(lambda: pid not in marked(self.folder), "slurmctld is dead")

    def clear(self) -> None:
        """Cancel all jobs, bring dead nodes back, and wait until nothing runs on any."""
        if ids := self.jobs():
            self.attempt("scancel", "--quiet", "--signal=KILL", *ids)
            self.attempt("scancel", "--quiet", *ids)
        for node in NODES:
            if not any(variables_of(pid).get(NODE) == node for pid in marked(self.folder)):
                self.revive(node)
        wait_until(lambda: not self.jobs(), "no job is left")
        for node in NODES:
            self._wait_until_up(node)

    def _jobs_on(self, node: str) -> list[str]:
        found = self.attempt("squeue", "--noheader", f"--nodelist={node}", "--format=%i")
        return found.stdout.split()

    def _start_daemon(self, *command: str, **variables: str) -> None:
        """Start a daemon, which returns when it is in the background."""
        environment = {**os.environ, **self.environment, **variables}
        log = self.folder / "log" / f"{command[0]}.start"
        with log.open("ab") as output:
            # not captured: daemons keep their output open
            subprocess.run(
                command, env=environment, stdout=output, stderr=output, timeout=60, check=True
            )

    def _start_munge(self) -> None:
        """Start the daemon that signs what the others say, with a key of its own."""
        folder = self.folder / "munge"
        key = folder / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        options = {
            "key-file": "key",
            "socket": "socket",
            "pid-file": "pid",
            "log-file": "log",
            "seed-file": "seed",
        }
        command = ["munged", "--force", *(f"--{a}={folder / b}" for a, b in options.items())]
        user = None
        if os.getuid() == 0:
            # it refuses to run as root
            user = "munge"
            for path in (folder, key):
                shutil.chown(path, user, user)
        with (self.folder / "log" / "munge.start").open("ab") as output:
            subprocess.run(
                command,
                env={**os.environ, **self.environment},
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                stdout=output,
                stderr=output,
                timeout=60,
                check=True,
            )

    def _configure(self) -> None:
        host = socket.gethostname().partition(".")[0]
        ports = _free_ports(1 + len(NODES))
        gpus = self._make_gpus()
        text = CONFIGURATION.format(
            host=host, user=getpass.getuser(), folder=self.folder, port=ports.pop()
        )
        for node in NODES:
            text += ONE_NODE.format(node=node, host=host, port=ports.pop(), gpus=gpus)
        (self.folder / "slurm.conf").write_text(text)
        gres = f"Name=gpu File={self.folder}/gpu/gpu[0-{gpus - 1}]\n" if gpus else ""
        (self.folder / "gres.conf").write_text(gres)

    def _make_gpus(self) -> int:
        """Make character devices; returns how many each node has."""
        try:
            null = Path("/dev/null").stat()
            for number in range(GPUS):
                os.mknod(self.folder / "gpu" / f"gpu{number}", null.st_mode, null.st_rdev)
        except PermissionError:
            return 0
        return GPUS


def _name(pid: int) -> str:
    """Name of a program; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, and that no outgoing connection is given."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
