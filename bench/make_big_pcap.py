#!/usr/bin/env python3
"""Write a large synthetic pcap of keep-alive HTTP/1.1 JSON API traffic plus a ground-truth JSONL.

Standard library only. Same flags + same seed => same bytes (pcap and truth).

Damage flags (each a probability per packet that carries TCP payload, 0..1):
  --capture-loss  the packet is missing from the file for ever (tap/NIC drop): a real gap
  --loss          lost on the wire BEFORE the tap: original absent, a retransmission comes later
  --retrans       lost on the wire AFTER the tap: original present, a retransmission comes later
  --dup           the frame is captured twice back to back (mirror port on both directions)
  --reorder       the frame is delayed behind 1..3 later frames of its own connection
  --overlap       a retransmission with shifted boundaries (same bytes, other segmentation)
  --midstream     share of connections whose SYN handshake is missing (per connection)
  --noclose       share of connections that never send FIN (per connection)
Truth line: one exchange; "intact" is false when a byte of it was capture-lost or cut off by --snaplen;
req_len, req_h, resp_len and resp_h are what a correct reassembler + HTTP parser has to give back (length
and the first 16 digits of the SHA-256 of the decoded body).
"""
import argparse, gzip, hashlib, heapq, json, random, struct, sys, time

ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ap.add_argument("--out", required=True)
ap.add_argument("--truth", required=True)
ap.add_argument("--size-mib", type=float, default=100.0, help="stop opening exchanges at this file size")
ap.add_argument("--seed", type=int, default=1)
ap.add_argument("--concurrency", type=int, default=256, help="connections open at the same time")
ap.add_argument("--exchanges", type=int, default=40, help="mean exchanges per connection")
ap.add_argument("--mss", type=int, default=1448, help="up to 65000 for TSO/LRO sized frames")
ap.add_argument("--rate", type=float, default=20000.0, help="exchanges per second of capture time")
ap.add_argument("--pool", type=int, default=600, help="bodies that exchanges choose from")
ap.add_argument("--gzip", type=float, default=0.30)
ap.add_argument("--chunked", type=float, default=0.25)
ap.add_argument("--pipeline", type=float, default=0.0, help="share of exchanges sent before the previous reply")
ap.add_argument("--continue100", type=float, default=0.005)
ap.add_argument("--nanos", action="store_true", help="nanosecond pcap magic")
ap.add_argument("--vxlan", action="store_true", help="wrap every frame in VXLAN/UDP 4789 (cloud mirror)")
ap.add_argument("--bad-checksums", action="store_true", help="checksum offload: pseudo-header sum only")
ap.add_argument("--snaplen", type=int, default=262144)
for f in ("loss", "capture-loss", "retrans", "dup", "reorder", "overlap", "midstream", "noclose"):
    ap.add_argument("--" + f, type=float, default=0.0)
A = ap.parse_args()
R = random.Random(A.seed)
rnd = R.random

# ---------------------------------------------------------------- body pool
WORDS = ("order customer invoice shipped pending refund address Zürich São_Paulo 東京 email phone total currency "
         "EUR USD sku warehouse stock quantity price discount coupon created updated deleted active premium basic "
         "note description internal external partner region latency trace span service gateway").split()
def obj(rr, depth=0):
    d = {"id": "%016x" % rr.getrandbits(64), "user_id": rr.randrange(10**7), "email": "user%d@example.com" % rr.randrange(10**6),
         "amount": round(rr.random() * 1000, 2), "currency": rr.choice(["EUR", "USD", "JPY"]), "active": rr.random() < .5,
         "created_at": "2026-%02d-%02dT%02d:%02d:%02dZ" % (rr.randint(1, 12), rr.randint(1, 28), rr.randint(0, 23), rr.randint(0, 59), rr.randint(0, 59)),
         "tags": [rr.choice(WORDS) for _ in range(rr.randint(0, 4))], "note": " ".join(rr.choice(WORDS) for _ in range(rr.randint(3, 15)))}
    if depth < 1 and rr.random() < .3: d["parent"] = obj(rr, depth + 1)
    return d
POOL = []
for _ in range(A.pool):
    want = R.randint(1024, 8192); items = []; n = 0
    while n < want:
        o = obj(R); items.append(o); n += len(json.dumps(o, ensure_ascii=False).encode())
    s = json.dumps({"data": items, "next": "%08x" % R.getrandbits(32)}, ensure_ascii=False, separators=(",", ":")).encode()[1:]
    POOL.append(s)
GZ = [(g, b'{"request_id":"0000000000000000",' + s) for s in POOL
      for g in [gzip.compress(b'{"request_id":"0000000000000000",' + s, 6, mtime=0)]]
PATHS = ["/api/v1/orders/%d", "/api/v1/users/%d/profile", "/v2/inventory?sku=%d&limit=50", "/api/v1/search?q=caf%%C3%%A9&page=%d",
         "/graphql?op=%d", "/internal/health/%d", "/api/v3/carts/%d/items", "/payments/%d/capture"]
def chunk(body):
    out = []; i = 0
    while i < len(body):
        n = R.choice((512, 1024, 2048, 4096)); p = body[i:i + n]; i += n
        out.append(b"%x\r\n%s\r\n" % (len(p), p))
    out.append(b"0\r\n\r\n")
    return b"".join(out)

# ---------------------------------------------------------------- framing
ETH_C = bytes.fromhex("02000000000202000000000108 00".replace(" ", "")); ETH_S = bytes.fromhex("020000000001020000000002" "0800")
mod = 65535
def csum(x): return (~(x % mod)) & 0xffff if x % mod else (0xffff if x == 0 else 0)
MAG = 0xa1b23c4d if A.nanos else 0xa1b2c3d4
fout = open(A.out, "wb", buffering=1 << 22)
fout.write(struct.pack("<IHHiIII", MAG, 2, 4, 0, 0, A.snaplen, 1))
size = 24
npk = 0
rec = struct.Struct("<IIII").pack
tcph = struct.Struct("!HHIIBBHHH").pack
iph = struct.Struct("!BBHHHBBHII").pack
tsopt = struct.Struct("!BBBBII").pack
S_FACT = 10**9 if A.nanos else 10**6
BASE = 1_780_000_000

class Conn:
    __slots__ = ("cid", "cip", "sip", "cp", "sp", "cs", "ss", "left", "ipid", "t", "n", "host", "mid", "noclose")
class Ctx: pass
cid = 0
def new_conn(t):
    global cid
    c = Conn(); c.cid = cid; cid += 1
    c.cip = 0x0a010000 + (c.cid * 7919) % 60000; c.sip = 0x0a020000 + R.randrange(20); c.cp = 20000 + (c.cid * 13) % 45000; c.sp = R.choice((80, 8080, 8000))
    c.cs = R.getrandbits(32) if rnd() > .02 else (2**32 - R.randrange(1, 20000)); c.ss = R.getrandbits(32) if rnd() > .02 else (2**32 - R.randrange(1, 60000))
    c.left = max(1, int(R.expovariate(1.0 / A.exchanges)) + 1); c.ipid = R.getrandbits(16); c.t = t; c.n = 0
    c.host = b"api-%d.example.internal" % (c.sip & 15); c.mid = rnd() < A.midstream; c.noclose = rnd() < A.noclose
    return c

def frame(c, up, seq, ack, flags, payload, t, syn=False):
    """one Ethernet frame; up = client to server"""
    if up: src, dst, sp, dp, eth = c.cip, c.sip, c.cp, c.sp, ETH_C
    else:  src, dst, sp, dp, eth = c.sip, c.cip, c.sp, c.cp, ETH_S
    tsv = int(t * 1000) & 0xffffffff
    if syn: opt = b"\x02\x04\x05\xb4\x04\x02\x08\x0a" + struct.pack("!II", tsv, 0) + b"\x01\x03\x03\x07"
    else: opt = tsopt(1, 1, 8, 10, tsv, tsv - 1 & 0xffffffff)
    hl = 20 + len(opt); tl = hl + len(payload)
    c.ipid = (c.ipid + 1) & 0xffff
    head = tcph(sp, dp, seq & 0xffffffff, ack & 0xffffffff, hl << 2, flags, 502, 0, 0) + opt
    ps = (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + 6 + tl
    if A.bad_checksums: ck = ps % mod
    else:
        x = ps + int.from_bytes(head, "big") % mod
        if payload: x += int.from_bytes(payload if len(payload) % 2 == 0 else payload + b"\0", "big") % mod
        ck = csum(x)
    ih = iph(0x45, 0, 20 + tl, c.ipid, 0x4000, 64, 6, 0, src, dst)
    ih = ih[:10] + struct.pack("!H", csum(int.from_bytes(ih, "big"))) + ih[12:]
    fr = b"".join((eth, ih, head[:16], struct.pack("!H", ck), head[18:], payload))
    if A.vxlan:
        ul = 8 + 8 + len(fr)
        oh = iph(0x45, 0, 20 + ul, c.ipid, 0, 64, 17, 0, 0xac100001, 0xac100002)
        oh = oh[:10] + struct.pack("!H", csum(int.from_bytes(oh, "big"))) + oh[12:]
        fr = ETH_C + oh + struct.pack("!HHHH", 49152 + (c.cid & 16383), 4789, ul, 0) + b"\x08\0\0\0" + struct.pack("!I", (7 << 8)) + fr
    return fr

heap = []          # (t, n, frame)
order = 0
def emit(t, fr):
    global order
    order += 1; heapq.heappush(heap, (t, order, fr))
def flush(upto):
    global size, npk
    out = []
    while heap and heap[0][0] <= upto:
        t, _, fr = heapq.heappop(heap)
        s = int(t); n = len(fr); k = min(n, A.snaplen)
        out.append(rec(BASE + s, int((t - s) * S_FACT), k, n)); out.append(fr if k == n else fr[:k])
        size += 16 + k; npk += 1
    fout.writelines(out)

STAT = dict(dup=0, reorder=0, loss=0, retrans=0, capture_loss=0, overlap=0, data=0)
ANYDMG = A.loss or A.capture_loss or A.retrans or A.dup or A.reorder or A.overlap
def send(c, up, data, t, gap=12e-6):
    """segment data; returns (time after, all bytes captured)"""
    m = A.mss; ok = True; cnt = 0; n = len(data)
    seq = c.cs if up else c.ss; ack = c.ss if up else c.cs
    i = 0; hole = -1; late = 0.0          # first byte the receiver does not have yet; when it gets it
    while i < n:
        p = data[i:i + m]; last = i + m >= n
        fr = frame(c, up, seq + i, ack, 0x18 if last else 0x10, p, t)
        STAT["data"] += 1
        if len(fr) > A.snaplen: ok = False
        if ANYDMG:
            if A.capture_loss and rnd() < A.capture_loss: STAT["capture_loss"] += 1; ok = False
            elif A.loss and rnd() < A.loss:               # the receiver gets it only with the retransmission
                STAT["loss"] += 1; r = t + 4e-3 + rnd() * 2e-3; emit(r, fr); late = max(late, r); hole = i if hole < 0 else hole
            elif A.retrans and rnd() < A.retrans:
                STAT["retrans"] += 1; r = t + 4e-3 + rnd() * 2e-3; emit(t, fr); emit(r, fr); late = max(late, r); hole = i if hole < 0 else hole
            elif A.reorder and rnd() < A.reorder: STAT["reorder"] += 1; emit(t + gap * (1.5 + R.randrange(3)), fr)
            else:
                emit(t, fr)
                if A.dup and rnd() < A.dup: STAT["dup"] += 1; emit(t + 1e-6, fr)
                if A.overlap and i and rnd() < A.overlap:
                    STAT["overlap"] += 1; b = max(0, i - m // 2)
                    emit(t + 3e-3, frame(c, up, seq + b, ack, 0x10, data[b:b + m], t))
        else: emit(t, fr)
        i += m; t += gap; cnt += 1
        if cnt % 2 == 0 or last or hole >= 0:      # delayed ACK, or a duplicate ACK at the hole
            a = seq + (hole if hole >= 0 else min(i, n))
            emit(t + 3e-6, frame(c, not up, ack, a, 0x10, b"", t))
    if hole >= 0:                                  # cumulative ACK once the last retransmission is in
        t = max(t, late) + gap; emit(t, frame(c, not up, ack, seq + n, 0x10, b"", t))
    if up: c.cs = (c.cs + n) & 0xffffffff
    else: c.ss = (c.ss + n) & 0xffffffff
    return t, ok

truth = open(A.truth, "w", buffering=1 << 20)
ip = lambda x: "%d.%d.%d.%d" % (x >> 24, x >> 16 & 255, x >> 8 & 255, x & 255)
xid = 0
def exchange():
    """request bytes, response bytes (interim, final), truth dict"""
    global xid
    xid += 1
    r = rnd(); meth = "GET" if r < .55 else "POST" if r < .82 else "PUT" if r < .90 else "PATCH" if r < .94 else "DELETE" if r < .98 else "HEAD"
    path = R.choice(PATHS) % R.randrange(10**6); rid = "%016x" % R.getrandbits(64)
    rb = b""; te = ""
    h = [("%s %s HTTP/1.1\r\nHost: %%s\r\nUser-Agent: bench/1.0 (seed %d)\r\nAccept: application/json\r\nX-Request-Id: %s\r\nAuthorization: Bearer %s\r\n"
          % (meth, path.replace("%", "%%"), A.seed, rid, hashlib.md5(rid.encode()).hexdigest() * 3))]
    cont = False
    if meth in ("POST", "PUT", "PATCH"):
        rb = b'{"request_id":"' + rid.encode() + b'",' + R.choice(POOL)
        if rnd() < A.chunked / 2: te = "chunked"; h.append("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n")
        else: h.append("Content-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n" % len(rb))
        if rnd() < A.continue100: cont = True; h.append("Expect: 100-continue\r\n")
    if rnd() < .7: h.append("Accept-Encoding: gzip, deflate\r\n")
    h.append("\r\n")
    # response
    r = rnd(); st = 200
    if meth == "DELETE" and r < .8: st = 204
    elif meth == "GET" and r < .04: st = 304
    elif r < .06: st = 404
    elif r < .07: st = 500
    elif meth == "POST" and r < .5: st = 201
    reason = {200: "OK", 201: "Created", 204: "No Content", 304: "Not Modified", 404: "Not Found", 500: "Internal Server Error"}[st]
    rh = ["HTTP/1.1 %d %s\r\nDate: Thu, 28 May 2026 12:00:00 GMT\r\nServer: synth\r\nX-Request-Id: %s\r\n" % (st, reason, rid)]
    plain = b""; wire = b""; enc = ""; rte = ""
    if st not in (204, 304):
        if rnd() < A.gzip: wire, plain = R.choice(GZ); enc = "gzip"
        else: plain = wire = b'{"request_id":"' + rid.encode() + b'",' + R.choice(POOL)
        rh.append("Content-Type: application/json\r\n" + ("Content-Encoding: gzip\r\n" if enc else ""))
        if rnd() < A.chunked: rte = "chunked"; rh.append("Transfer-Encoding: chunked\r\n")
        else: rh.append("Content-Length: %d\r\n" % len(wire))
        if rnd() < .1: rh.append("Set-Cookie: sid=%s; Path=/; HttpOnly\r\nSet-Cookie: ab=%d\r\n" % (rid, xid & 7))
        if meth == "HEAD": plain = wire = b""; 
    rh.append("\r\n")
    reqh = "".join(h); resp = "".join(rh).encode()
    resp += (chunk(wire) if rte and meth != "HEAD" else wire)
    tr = dict(x=xid, m=meth, path=path, rid=rid, st=st, req_te=te, resp_te=rte, enc=enc, cont=cont, req_len=len(rb), resp_len=len(plain),
              req_h=hashlib.sha256(rb).hexdigest()[:16], resp_h=hashlib.sha256(plain).hexdigest()[:16])
    return reqh, rb, te, cont, resp, tr

t0 = time.time(); now = 1.0; limit = A.size_mib * 1048576; dt = 1.0 / A.rate
slots = []         # (ready time, k, conn)
k = 0
for i in range(A.concurrency): k += 1; heapq.heappush(slots, (1.0 + i * dt * 3, k, new_conn(1.0)))
conns = 0
def opening(c, t):
    global conns
    conns += 1
    if not c.mid:
        emit(t, frame(c, True, c.cs, 0, 0x02, b"", t, True)); emit(t + 2e-4, frame(c, False, c.ss, c.cs + 1, 0x12, b"", t, True))
        emit(t + 3e-4, frame(c, True, c.cs + 1, c.ss + 1, 0x10, b"", t))
    c.cs = (c.cs + 1) & 0xffffffff; c.ss = (c.ss + 1) & 0xffffffff
    return t + 4e-4
def closing(c, t):
    if c.noclose: return
    if rnd() < .1: emit(t, frame(c, False, c.ss, c.cs, 0x14, b"", t)); return
    emit(t, frame(c, True, c.cs, c.ss, 0x11, b"", t)); emit(t + 1e-4, frame(c, False, c.ss, c.cs + 1, 0x11, b"", t))
    emit(t + 2e-4, frame(c, True, c.cs + 1, c.ss + 1, 0x10, b"", t))
bodybytes = 0
step = 0
while slots:
    now, _, c = heapq.heappop(slots)
    step += 1
    if step % 256 == 0: flush(now)
    done = size >= limit
    t = now
    if c.n == 0: t = opening(c, t)
    batch = 1
    if A.pipeline and rnd() < A.pipeline: batch = min(R.randint(2, 4), c.left)
    todo = []
    for _ in range(batch):
        reqh, rb, te, cont, resp, tr = exchange()
        head = (reqh % c.host.decode()).encode(); body = chunk(rb) if te else rb
        tr["conn"] = c.cid; tr["i"] = c.n; c.n += 1; c.left -= 1
        tr["flow"] = "%s:%d-%s:%d" % (ip(c.cip), c.cp, ip(c.sip), c.sp)
        tr["t"] = round(BASE + t, 6)
        if cont and body:
            t, a = send(c, True, head, t); t += 2e-4
            t, b = send(c, False, b"HTTP/1.1 100 Continue\r\n\r\n", t); t += 2e-4
            t, d = send(c, True, body, t); ok = a and b and d
        else: t, ok = send(c, True, head + body, t)
        todo.append((resp, tr, ok)); bodybytes += len(rb) + tr["resp_len"]
    t += 5e-4 + rnd() * 2e-3
    for resp, tr, ok in todo:
        t, ok2 = send(c, False, resp, t); tr["t_end"] = round(BASE + t, 6); tr["intact"] = ok and ok2
        truth.write(json.dumps(tr, ensure_ascii=False, separators=(",", ":")) + "\n")
        t += 5e-5
    gap = rnd() * 2 * A.concurrency * dt
    if ANYDMG: t += 7e-3          # retransmissions land before the next exchange
    k += 1
    if c.left <= 0 or done:
        closing(c, t + 1e-4)
        if not done: heapq.heappush(slots, (t + gap, k, new_conn(t)))
    else: heapq.heappush(slots, (t + gap, k, c))
flush(1e18); fout.close(); truth.close()
json.dump(dict(seed=A.seed, pcap_bytes=size, packets=npk, connections=conns, exchanges=xid, body_bytes_decoded=bodybytes, damage=STAT, argv=sys.argv[1:],
               seconds=round(time.time() - t0, 1)), sys.stdout); print()
