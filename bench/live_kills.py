"""The kills of `bench/live`: fifty captures of a live interface, ten at a time, each ended by SIGKILL at a random moment.

Takes a bench whose namespaces are joined. Each kill has to leave parts that open (`reenact check`), with all that the server answered more than
30 s before it, and nowhere a value as it was on the wire: each request carries some. One more capture writes without redaction, to see that such a
value would be found.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

KILLS, AT_ONCE = 50, 10
EARLIEST, LATEST = 5, 75
MOST_LOST = 30
CONNECTIONS, DELAY = 8, 100
# What is on the wire and must not be anywhere else.
MARK = "qzraw"
REQUEST = f"""
local id = number .. "x" .. count
return wrk.format("GET", "/order/t" .. number .. "/" .. count .. "?email={MARK}" .. id .. "%40letters-of-no-one.com", {{
  ["Authorization"] = "Bearer {MARK}7fK2mQ9" .. id .. "Zr4vT8", ["Cookie"] = "sid={MARK}b81e40c2" .. id .. "d97a5f36"
}})
"""
# Lists the targets in the parts of a recording, without their queries, and counts the files below a folder in which a text stands, unpacked or as they are.
SCAN = """
import io, json, os, sys
import pyarrow as arrow, pyarrow.parquet as parquet
folder, recording, mark = sys.argv[1], sys.argv[2], sys.argv[3].encode()
paths, marked, temporary = [], 0, 0
for place, _, names in os.walk(folder):
    for name in names:
        whole = open(os.path.join(place, name), "rb").read()
        texts = [whole]
        if name.startswith("part-"):
            table = parquet.read_table(io.BytesIO(whole))
            paths += [path for path in table["path"].to_pylist() if path]
            texts += [json.dumps(table.to_pylist(), default=lambda value: value.decode("latin-1") if isinstance(value, bytes) else str(value)).encode()]
        elif name.endswith(".tmp"):
            temporary += 1
            at = whole.find(b"\\x28\\xb5\\x2f\\xfd")
            while at >= 0:
                unpacked = b""
                try:
                    with arrow.input_stream(io.BytesIO(whole[at:]), compression="zstd") as stream:
                        while some := stream.read(4096): unpacked += some
                except OSError:
                    pass  # It is cut, or what follows it is no frame.
                texts.append(unpacked)
                at = whole.find(b"\\x28\\xb5\\x2f\\xfd", at + 1)
        marked += any(mark in text for text in texts)
print(json.dumps({"paths": paths, "marked": marked, "temporary": temporary}))
"""


def run(bench, inside, namespaces, link, address):
    """All of it; what each kill left."""
    if not bench.python:
        sys.exit("the kills need a Python with pyarrow: name one in REENACT_PYTHON")
    server_in, client_in = namespaces
    out = bench.scratch / "kills"
    out.mkdir()
    os.chmod(out, 0o777)
    key, script, log = out / "key", out / "load.lua", out / "log"
    subprocess.run([bench.reenact, "key", "new", key], check=True)
    script.write_text(bench.load_script(REQUEST, DELAY))
    server = subprocess.Popen(inside(server_in, [bench.server, address, log]), stdin=subprocess.PIPE)
    time.sleep(0.5)
    load = ["wrk", "-t", "2", "-c", str(CONNECTIONS), "-d", "3600s", "-s", script, f"http://{address}"]
    load = subprocess.Popen(inside(client_in, load), stdout=subprocess.DEVNULL)
    moments = random.Random(6)
    plan = [(number, moments.uniform(EARLIEST, LATEST), ["--key-file", key]) for number in range(KILLS)] + [(KILLS, 50, ["--danger-raw"])]

    def kill(number, after, options):
        folder = out / f"kill-{number}"
        for name in ("here", "tmp"):
            (folder / name).mkdir(parents=True)
            os.chmod(folder / name, 0o777)
        os.chmod(folder, 0o777)
        recording = folder / "rec"
        command = inside(server_in, [bench.reenact, "capture", "-i", link, "-o", recording, "--stats", "none", *options, "tcp", "port", address.split(":")[1]])
        errors = open(folder / "err", "wb")
        began = time.time()
        capture = subprocess.Popen(command, cwd=folder / "here", env={**os.environ, "TMPDIR": str(folder / "tmp")}, stdout=subprocess.DEVNULL, stderr=errors)
        while not (recording / "manifest.json").exists() and capture.poll() is None:
            time.sleep(0.05)
        listening = time.time()
        time.sleep(max(0, began + after - time.time()))
        capture.kill()
        killed = time.time()
        code = capture.wait()
        checked = subprocess.run([bench.reenact, "check", recording], capture_output=True, text=True)
        scanned = subprocess.run([bench.python, "-c", SCAN, folder, recording, MARK], capture_output=True, text=True, check=True)
        elsewhere = sum(len(list((folder / name).iterdir())) for name in ("here", "tmp"))
        parts = len(list(recording.glob("part-*.parquet")))
        if not (recording / "manifest.json").exists():
            sys.exit(f"kill {number}: the capture did not begin: {(folder / 'err').read_text()}")
        lost = json.loads((recording / "manifest.json").read_text())["ledger"]["lost"]
        shutil.rmtree(folder)
        return {
            "number": number, "after": killed - began, "listening": listening, "killed": killed, "code": code, "opens": checked.returncode == 0, "said": checked.stdout + checked.stderr,
            "parts": parts, "elsewhere": elsewhere, "lost": lost, **json.loads(scanned.stdout),
        }

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            rows = list(pool.map(lambda planned: kill(*planned), plan))
    finally:
        load.kill()
        load.wait()
        server.stdin.close()
        server.wait()
    logged = [(int(time) / 1e6, target.partition("?")[0]) for time, target in (line.split(" ", 1) for line in log.read_text().splitlines())]
    for row in rows:
        stored = set(row.pop("paths"))
        # What was said while the interface was being opened may have been missed.
        due = [(at, path) for at, path in logged if row["listening"] + 1 < at < row["killed"]]
        row["answered"], row["stored"] = len(due), sum(path in stored for _, path in due)
        # Of what was let go the account says how much it was, not what.
        row["let_go"] = sum(row["lost"].get(cause, 0) for cause in ("shed_request", "kernel_drop"))
        missing = sorted(row["killed"] - at for at, path in due if path not in stored)
        row["seconds_lost"] = (missing[: len(missing) - row["let_go"]] or [0.0])[-1]
    return rows


def tell(rows):
    """Prints what the kills left; whether all of them left what they should."""
    kills, control = rows[:-1], rows[-1]
    total = lambda key: sum(row[key] for row in kills)
    faults = []
    for row in kills:
        wrong = [what for what, is_so in {
            "it had ended before": row["code"] != -9, "a part does not open": not row["opens"], "more than 30 s are lost": row["seconds_lost"] > MOST_LOST,
            "a value is there as it was on the wire": row["marked"], "something was written elsewhere": row["elsewhere"],
        }.items() if is_so]
        faults += [f"kill {row['number']} after {row['after']:.1f} s: {', '.join(wrong)}; {row['lost']}\n{row['said']}"] if wrong else []
    if not control["marked"]:
        faults.append("a capture without redaction left no value as it was on the wire: the search would find nothing")
    ages = sorted(row["after"] for row in kills)
    print(f"\n{len(kills)} kills of a live capture, {AT_ONCE} at once, {ages[0]:.0f} to {ages[-1]:.0f} s after it began")
    print(f"  {sum(row['parts'] > 0 for row in kills)} left parts, {total('parts')} parts, {sum(row['opens'] for row in kills)} recordings open; {total('temporary')} temporary files")
    print(f"  {total('stored')} of {total('answered')} requests stored, {total('let_go')} let go by {sum(row['let_go'] > 0 for row in kills)} captures and counted; "
          f"at most {max(row['seconds_lost'] for row in kills):.1f} s lost ({MOST_LOST} may be)")
    print(f"  {total('marked')} files with a value as it was on the wire (without redaction: {control['marked']}), {total('elsewhere')} files elsewhere")
    print("\n".join(faults) if faults else "  all as it should be")
    return not faults
