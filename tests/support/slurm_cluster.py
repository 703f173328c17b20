"""A throw-away Slurm cluster of three nodes on this machine: real daemons on loopback, no systemd, no cgroups, fake GPUs."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

NODES = ("cpu1", "cpu2", "gpu1")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
# the executor's job step drops SLURM_CONF from the environment, so that only this place is found by all
SYSTEM_CONF = Path("/etc/slurm/slurm.conf")
SEARCH = os.environ["PATH"] + os.pathsep + "/usr/sbin" + os.pathsep + "/sbin"

CONF = """
ClusterName=dlmdtest
SlurmctldHost=localhost
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={munge},cred_expire=5
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill,UsePss
MpiDefault=none
StateSaveLocation={base}/state
SlurmctldPidFile={base}/slurmctld.pid
SlurmctldLogFile={base}/log/slurmctld.log
SlurmdSpoolDir={base}/spool-%n
SlurmdPidFile={base}/slurmd-%n.pid
SlurmdLogFile={base}/log/slurmd-%n.log
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SlurmdTimeout=30
SlurmctldTimeout=30
KillWait=2
InactiveLimit=0
Waittime=0
CompleteWait=0
MinJobAge=600
JobRequeue=1
OverTimeLimit=0
SlurmdParameters=config_overrides
GresTypes=gpu
PropagateResourceLimits=NONE
NodeName=DEFAULT CPUs=4 RealMemory=8000 State=UNKNOWN
NodeName=cpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={port1} Feature=cpu
NodeName=cpu2 NodeHostname={host} NodeAddr=127.0.0.1 Port={port2} Feature=cpu
NodeName=gpu1 NodeHostname={host} NodeAddr=127.0.0.1 Port={port3} Feature=gpu Gres=gpu:h100:2
PartitionName=cpu Nodes=cpu1,cpu2 Default=YES MaxTime=2880 DefaultTime=10 DefMemPerCPU=200 State=UP
PartitionName=gpu Nodes=gpu1 MaxTime=2880 DefaultTime=10 DefMemPerCPU=200 State=UP
"""


def missing():
    """Why no cluster can be started here; empty where one can."""
    absent = [name for name in PROGRAMS if not shutil.which(name, path=SEARCH)]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if SYSTEM_CONF.exists() and not SYSTEM_CONF.is_symlink():
        return f"{SYSTEM_CONF} is a cluster's own"
    if os.geteuid() != 0:
        return "only root may put a link to the configuration into /etc"
    return ""


class Cluster:
    """Use as a context; `run("squeue", ...)` asks it."""

    def __init__(self, base):
        self.base = Path(base)
        self.conf = self.base / "slurm.conf"
        self.daemons = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        for folder in ("log", "state", "munge", *(f"spool-{n}" for n in NODES)):
            (self.base / folder).mkdir(parents=True)
        key, self.socket = self.base / "munge/munge.key", self.base / "munge/socket"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        (self.base / "munge").chmod(0o711)
        self._daemon(
            "munged", "-F", "-f", f"--key-file={key}", f"--socket={self.socket}", "--num-threads=2",
            f"--pid-file={self.base}/munge/pid", f"--log-file={self.base}/log/munged.log",
            f"--seed-file={self.base}/munge/seed",
        )  # fmt: skip
        self._wait(lambda: self.socket.exists(), "munged")
        port = free_ports(4)
        # /dev/null and /dev/zero pass for the device files of two GPUs
        (self.base / "gres.conf").write_text(
            "AutoDetect=off\n"
            + "".join(
                f"NodeName=gpu1 Name=gpu Type=h100 File={file}\n" for file in ("/dev/null", "/dev/zero")
            )
        )
        (self.base / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        self.conf.write_text(
            CONF.format(
                user=getpass.getuser(),
                base=self.base,
                host=socket.gethostname().split(".")[0],
                munge=self.socket,
                port=port,
                port1=port + 1,
                port2=port + 2,
                port3=port + 3,
            )
        )
        SYSTEM_CONF.parent.mkdir(exist_ok=True)
        SYSTEM_CONF.unlink(missing_ok=True)
        SYSTEM_CONF.symlink_to(self.conf)
        self._daemon("slurmctld", "-D", "-i", "-f", self.conf)
        for node in NODES:
            self.start_node(node)
        self._wait(lambda: self.states() == dict.fromkeys(NODES, "idle"), "idle nodes")

    def __exit__(self, *_):
        if self.conf.exists():
            self.run("scancel", "--full", "-u", getpass.getuser(), check=False)
            time.sleep(1)
        for _, daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        if SYSTEM_CONF.is_symlink() and SYSTEM_CONF.readlink() == self.conf:
            SYSTEM_CONF.unlink()

    def start_node(self, name):
        """Start (again) the daemon of a node."""
        self._daemon("slurmd", "-D", "-N", name, "-f", self.conf)

    def states(self):
        """{node: state}."""
        out = self.run("sinfo", "-h", "-N", "-o", "%N %t", check=False)
        return dict(line.split() for line in out.splitlines() if line)

    def run(self, program, *args, check=True):
        """Standard output of one of Slurm's programs."""
        return subprocess.run(
            [shutil.which(program, path=SEARCH), *map(str, args)],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=check,
            timeout=60,
        ).stdout

    def environment(self):
        """Environment of programs that talk to the cluster."""
        return {**os.environ, "PATH": SEARCH, "SLURM_CONF": str(self.conf)}

    def jobs(self):
        """{job id: (state, comment)} of the queue; the executor's comment names the rule and its wildcards."""
        out = self.run("squeue", "-h", "-o", "%i|%T|%k")
        return {line.split("|")[0]: tuple(line.split("|")[1:3]) for line in out.splitlines()}

    def _daemon(self, program, *args):
        name = " ".join(map(str, [program, *args]))
        with (self.base / "log" / f"{program}-{len(self.daemons)}.out").open("w") as out:
            process = subprocess.Popen(
                [shutil.which(program, path=SEARCH), *map(str, args)],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.environment(),
                start_new_session=True,
            )
        self.daemons.append((name, process))

    def _wait(self, ready, what, seconds=60):
        for _ in range(seconds * 5):
            if ready():
                return
            time.sleep(0.2)
        logs = "\n".join(p.read_text(errors="replace")[-500:] for p in sorted((self.base / "log").iterdir()))
        raise RuntimeError(f"no {what} after {seconds} s\n{logs}")


def free_ports(count):
    """The first of `count` free ports in a row, below those that the system hands out."""
    for first in range(17800, 30000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports")
