"""What bench/capture and bench/sanitize measure: captures that are made once, and programs that read them in turn."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measured import measured

HERE = Path(__file__).resolve().parent
CACHE = Path(tempfile.gettempdir()) / "reenact-bench"
MIB = 1 << 20
CORES = os.cpu_count() or 1


def build():
    cargo = shutil.which("cargo") or str(Path.home() / ".cargo/bin/cargo")
    try:
        subprocess.run([cargo, "build", "--release", "--locked", "--quiet", "--bin", "reenact"], cwd=HERE.parent, check=True)
    except FileNotFoundError:
        sys.exit("cargo is missing: install Rust through rustup (https://rustup.rs), or name a binary: --reenact FILE")
    except subprocess.CalledProcessError:
        sys.exit("reenact could not be built; what cargo says stands above")
    return target_folder() / "release/reenact"


def target_folder():
    return Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))


class Capture:
    """A synthetic capture and what is true of it, made unless it is there."""

    def __init__(self, cache, mebibytes):
        self.path = cache / f"clean-{mebibytes}.pcap"
        truth = cache / f"clean-{mebibytes}.jsonl"
        if not (self.path.exists() and truth.exists()):
            print(f"making {self.path} ({mebibytes} MiB)", file=sys.stderr)
            unfinished = self.path.with_suffix(".unfinished")
            generate = [sys.executable, HERE / "make_big_pcap.py", "--out", unfinished, "--truth", truth, "--size-mib", str(mebibytes), "--seed", "1"]
            if subprocess.run(generate, stdout=subprocess.DEVNULL).returncode != 0:
                sys.exit(f"{self.path} could not be made; is there room for it?")
            unfinished.rename(self.path)
        self.bytes = self.path.stat().st_size
        with open(truth, "rb") as lines:
            self.exchanges = sum(1 for _ in lines)

    def warm(self):
        """Reads it once, so that all read it from memory."""
        with open(self.path, "rb", buffering=0) as file:
            while file.read(8 * MIB):
                pass


class Scratch:
    """A folder for outputs: in memory if there is one, unless it is told where."""

    def __init__(self, place=None):
        memory = Path("/dev/shm")
        self.place = place or (memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir()))
        self.in_memory = is_in_memory(self.place)

    def __enter__(self):
        self.path = Path(tempfile.mkdtemp(prefix="reenact-bench-", dir=self.place))
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def fresh(self, name):
        """The path of a folder that does not exist."""
        path = self.path / name
        shutil.rmtree(path, ignore_errors=True)
        return path


class Contender:
    """A way to read a capture, and what its runs took."""

    def __init__(self, name, capture, command, prepare=None, found=None, cores=1, most_rounds=None):
        self.name, self.capture, self.command, self.prepare, self.find = name, capture, command, prepare, found
        self.cores, self.most_rounds = cores, most_rounds
        self.runs, self.found, self.failures = [], None, []
        # What the contender says of its own time, where it does.
        self.seconds = []

    def run(self):
        if self.prepare:
            self.prepare()
        command = [str(part) for part in self.command]
        if self.cores == 1 and shutil.which("taskset"):
            command = ["taskset", "-c", "0", *command]
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as said:
            told = measured(command, stdin=subprocess.DEVNULL, stdout=output if self.find else subprocess.DEVNULL, stderr=said)
            if told["status"] != 0:
                said.seek(0)
                self.failures.append(said.read().decode(errors="replace").strip())
                return
            if self.find:
                output.seek(0)
                text = output.read().decode(errors="replace")
                self.found = self.find(text)
                if text.startswith("{"):
                    self.seconds.append(json.loads(text).get("seconds", {}))
        self.runs.append(told)

    def all(self, what):
        return [what(run) for run in self.runs]

    def rate(self):
        return self.all(lambda run: self.capture.bytes / 1e6 / run["seconds"])

    def cpu_rate(self):
        return statistics.median(self.all(lambda run: self.capture.bytes / 1e6 / run["cpu_seconds"]))

    def cpu(self):
        return statistics.median(self.all(lambda run: run["cpu_seconds"]))

    def peak(self):
        return max(self.all(lambda run: run["peak_bytes"]))

    def told(self):
        return {
            "name": self.name,
            "capture_bytes": self.capture.bytes,
            "exchanges": self.capture.exchanges,
            "found": self.found,
            "runs": self.runs,
            "told_seconds": self.seconds,
            "failures": self.failures,
        }


def is_in_memory(place):
    """Whether what is written there reaches no disk."""
    mounts = (line.split()[1:3] for line in open("/proc/mounts"))
    holding = [(len(mount), kind) for mount, kind in mounts if place.resolve().is_relative_to(mount)]
    return max(holding)[1] in ("tmpfs", "ramfs")


def complete(output):
    return json.loads(output)["complete"]


def our_contenders(reenact, capture, scratch):
    read = [reenact, "capture", "--json", "-r", capture.path]
    key, output = scratch.path / "key", scratch.path / "recording"
    if not key.exists():
        subprocess.run([reenact, "key", "new", key], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def clear():
        scratch.fresh("recording")

    return [
        Contender("reenact --discard, 1 core", capture, [*read, "--discard", "--threads", "1"], found=complete),
        Contender(f"reenact --discard, {CORES} cores", capture, [*read, "--discard"], found=complete, cores=CORES),
        Contender(f"reenact to raw Parquet, {CORES} cores", capture, [*read, "--danger-raw", "-o", output], clear, complete, CORES),
        Contender(f"reenact to redacted Parquet, {CORES} cores", capture, [*read, "--key-file", key, "-o", output], clear, complete, CORES, most_rounds=2),
    ]


def run(contenders, rounds):
    for capture in {id(contender.capture): contender.capture for contender in contenders}.values():
        capture.warm()
    for number in range(rounds):
        for contender in contenders:
            if number < (contender.most_rounds or rounds) and not contender.failures:
                print(f"round {number + 1} of {rounds}: {contender.name}", file=sys.stderr)
                contender.run()
