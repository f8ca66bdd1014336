#!/usr/bin/env python3
"""Runs a command and tells what it took: seconds, CPU seconds, peak resident memory.

    bench/measured.py [--address-space BYTES] --report FILE -- COMMAND…

The command has this program's stdin, stdout and stderr, and its exit code becomes this program's. With --address-space it
cannot map more than that: a leak fails instead of swapping. Standard library only; Linux, where ru_maxrss is in KiB.
"""
import argparse
import json
import os
import resource
import subprocess
import time


def measured(command, address_space=None, **popen):
    """What running `command` took, as a dictionary; `status` is its exit code, negative for a signal."""

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))

    began = time.monotonic()
    child = subprocess.Popen(command, preexec_fn=limit if address_space else None, **popen)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return {
        "seconds": time.monotonic() - began,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
        "status": child.returncode,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address-space", type=int, metavar="BYTES")
    parser.add_argument("--report", required=True, metavar="FILE")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    told = measured(arguments.command, arguments.address_space)
    with open(arguments.report, "w") as report:
        json.dump(told, report)
    return told["status"] if told["status"] >= 0 else 128 - told["status"]


if __name__ == "__main__":
    raise SystemExit(main())
