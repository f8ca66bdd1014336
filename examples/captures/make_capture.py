#!/usr/bin/env python3
"""Makes orders.pcap: the demo service under varied traffic, seen by tcpdump on the loopback interface.

    cargo build -p reenact-orders
    sudo examples/captures/make_capture.py

Starts the service on an empty SQLite database and tcpdump beside it, lets some hundred made-up customers sign up, log in and shop
for half a minute, and writes the packets to orders.pcap and to planted.tsv every personal value and secret that was sent, as
"kind<TAB>value". The seed fixes what customers send and when; what the service makes up (tokens, ids, clock times) is new each time.

Nobody here exists. Check digits of cards and accounts are right, as a service would check them; tokens have the vendors' shapes and,
where the shape has a checksum, a wrong one. Their prefixes are put together from pieces so that no secret scanner takes this file for a leak.
"""

import argparse
import asyncio
import base64
import gzip
import json
import os
import random
import re
import signal
import string
import subprocess
import sys
import tempfile
import urllib.parse
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Planted:
    """What was planted, each value once, and what was sent: a value that was made and then not used is not planted."""

    def __init__(self):
        self.kinds, self.sent = {}, []

    def add(self, kind, value):
        if self.kinds.setdefault(value, kind) != kind:
            sys.exit(f"a {kind} is also a {self.kinds[value]}: choose another seed")
        return value

    def new(self, kind, make):
        """A value that nobody else has."""
        value = make()
        while value in self.kinds:
            value = make()
        return self.add(kind, value)

    def send(self, *texts):
        """Takes note of what goes out, before it is encoded."""
        self.sent.extend(texts)

    def write(self, path):
        sent = "\n".join(self.sent)
        self.kinds = {value: kind for value, kind in self.kinds.items() if value in sent}
        with open(path, "w", encoding="utf-8") as out:
            for value, kind in sorted(self.kinds.items(), key=lambda item: (item[1], item[0])):
                out.write(f"{kind}\t{value}\n")


class Person:
    """One made-up customer, and all that they could give away."""

    FIRST = "Ada Ben Cleo Dora Emil Fay Gus Hana Ida Jon Kaya Leo Mia Nils Olga Pia Quin Rosa Sven Tara Uma Vera Wim Xenia Yara Zeno".split()
    LAST = "Abel Brandt Castell Duarte Eklund Ferrand Grosz Halvorsen Ito Jansen Keller Lindqvist Moreau Novak Okoro Petrov Quist Rossi".split()
    DOMAINS = "quietharbour.net bluefennel.org oldmill-post.de courrier-lavande.fr tidewater-mail.co.uk papelverde.es".split()
    CITIES = [("Utrecht", "3511 AB", "NL"), ("Leeds", "LS1 4AP", "GB"), ("Graz", "8010", "AT"), ("Lyon", "69002", "FR"), ("Bremen", "28195", "DE"), ("Tucson", "85701", "US")]
    STREETS = "Mill Lane,Elm Street,Harbour Road,Rue des Lilas,Lindenweg,Calle Mayor,Station Road,Keizersgracht".split(",")

    def __init__(self, dice, planted):
        self.dice = dice
        self.planted = planted
        self.first, self.last = dice.choice(self.FIRST), dice.choice(self.LAST)
        self.name = f"{self.first} {self.last}"
        self.email = self.an_email()
        self.password = planted.new("password", lambda: self.text(BASE62 + "!%&?", dice.randint(12, 16)))

    def text(self, alphabet, length):
        return "".join(self.dice.choice(alphabet) for _ in range(length))

    def digits(self, length):
        return self.text(string.digits, length)

    def an_email(self):
        return self.planted.new("email", lambda: f"{self.first}.{self.last}{self.dice.randint(100, 9999)}@{self.dice.choice(self.DOMAINS)}".lower())

    def a_phone(self):
        def make():
            return self.dice.choice([
                lambda: f"+49 1511 {self.dice.randint(2, 9)}{self.digits(6)}",
                lambda: f"+44 7911 {self.dice.randint(1, 9)}{self.digits(5)}",
                lambda: f"+33 6 {self.dice.randint(10, 79)} {self.digits(2)} {self.digits(2)} {self.digits(2)}",
                lambda: f"+1 212-{self.dice.randint(223, 499)}-{self.digits(4)}",
                lambda: f"+31 6 {self.dice.randint(1, 5)}{self.digits(7)}",
            ])()
        return self.planted.new("phone", make)

    def a_card(self):
        def make():
            prefix, length = self.dice.choice([("4539", 16), ("4716", 16), ("5231", 16), ("5412", 16), ("3714", 15), ("6011", 16)])
            body = prefix + self.digits(length - len(prefix) - 1)
            doubled = [int(d) * 2 if i % 2 == 0 else int(d) for i, d in enumerate(reversed(body))]
            number = body + str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)
            return " ".join(number[i:i + 4] for i in range(0, 16, 4)) if length == 16 and self.dice.random() < 0.3 else number
        return self.planted.new("card", make)

    def an_iban(self):
        def make():
            country, account = self.dice.choice([
                ("DE", self.digits(18)), ("NL", "INGB" + self.digits(10)), ("GB", "NWBK" + self.digits(14)), ("AT", self.digits(16))])
            number = "".join(str(int(c, 36)) for c in account + country + "00")
            return f"{country}{98 - int(number) % 97:02}{account}"
        return self.planted.new("iban", make)

    def an_ssn(self):
        return self.planted.new("ssn", lambda: f"{self.dice.choice([*range(101, 600), *range(701, 899)])}-{self.dice.randint(11, 99)}-{self.dice.randint(1001, 9999)}")

    def an_ipv4(self):
        return self.planted.new("ipv4", lambda: f"{self.dice.choice([78, 81, 84, 89, 91])}.{self.dice.randint(110, 250)}.{self.dice.randint(100, 250)}.{self.dice.randint(100, 250)}")

    def an_ipv6(self):
        return self.planted.new("ipv6", lambda: "2a02:" + ":".join(f"{self.dice.randint(0x1000, 0xffff):x}" for _ in range(7)))

    def a_secret(self, provider):
        """A provider's secret as a list of what to send; what is planted is each line of it."""
        make = {
            "github": lambda: self.a_github_token(),
            "aws": lambda: "AK" + "IA" + self.text(string.ascii_uppercase + "234567", 16),
            "slack": lambda: "xo" + "xb-" + f"{self.dice.randint(1, 9)}{self.digits(11)}-{self.dice.randint(1, 9)}{self.digits(12)}-{self.text(BASE62, 24)}",
            "stripe": lambda: "sk" + "_live_" + self.text(BASE62, 24),
            "google": lambda: "AI" + "za" + self.text(BASE62 + "-_", 35),
        }[provider]
        return self.planted.new(provider, make)

    def a_github_token(self):
        body = self.text(BASE62, 30)
        value, checksum = zlib.crc32(body.encode()), ""
        for _ in range(6):
            value, rest = divmod(value, 62)
            checksum = BASE62[rest] + checksum
        wrong = self.text(BASE62, 6)
        return "gh" + "p_" + body + (wrong if wrong != checksum else wrong[::-1] + "0")[:6]

    def an_aws_secret(self):
        return self.planted.new("aws-secret", lambda: self.text(BASE62 + "+/", 40))

    def an_api_key(self):
        return self.planted.new("api-key", lambda: self.text("0123456789abcdef", 32))

    def a_visitor(self):
        return self.planted.new("cookie", lambda: self.text(BASE62, 22))

    def a_private_key(self):
        lines = [self.text(BASE62 + "+/", 64) for _ in range(3)]
        for line in lines:
            self.planted.add("private-key", line)
        kind = self.dice.choice(["RSA ", "EC ", ""])
        return "\n".join([f"-----BE" + f"GIN {kind}PRIVATE KEY-----", *lines, f"-----END {kind}PRIVATE KEY-----", ""])

    def a_jwt(self):
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        def make():
            claims = {"sub": self.digits(8), "email": self.email, "iat": 1790000000}
            return ".".join([part(b'{"alg":"HS256","typ":"JWT"}'), part(json.dumps(claims).encode()), part(self.dice.randbytes(32))])
        return self.planted.new("jwt", make)

    def a_note(self):
        city = self.dice.choice(self.CITIES)[0]
        return self.dice.choice([
            lambda: f"Please ring {self.a_phone()} before delivery, the bell in {city} is broken.",
            lambda: f"Invoice to {self.an_email()} as well, thank you.",
            lambda: f"My card {self.a_card()} was charged twice, write to {self.an_email()}.",
            lambda: f"Refund to {self.an_iban()} please; ask {self.first} at {self.a_phone()}.",
            lambda: f"Ordered from {self.an_ipv4()}, the other one ({self.an_ipv6()}) was blocked.",
            lambda: "Leave it with the neighbour on the left, 2nd floor.",
            lambda: "Zwei Tassen waren beim letzten Mal zerbrochen \u2013 bitte gut verpacken!",
        ])()

    def an_address(self, label):
        city, postcode, country = self.dice.choice(self.CITIES)
        return {"label": label, "street": f"{self.dice.choice(self.STREETS)} {self.dice.randint(1, 140)}", "city": city, "postcode": postcode, "country": country}

    def an_order(self):
        skus = ["TEA-GREEN-100", "TEA-BLACK-250", "CUP-STONE", "POT-IRON", "FILTER-PAPER", "TIMER-SAND"]
        items = [{"sku": sku, "quantity": self.dice.randint(1, 4), "unit_price": self.dice.randint(299, 6499) / 100} for sku in self.dice.sample(skus, self.dice.randint(1, 3))]
        order = {"reference": f"{self.dice.choice('ABCDE')}-{self.digits(4)}", "currency": self.dice.choice(["EUR", "GBP", "USD"]), "items": items}
        return order | {"note": self.a_note()} if self.dice.random() < 0.35 else order


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Wire:
    """Sends requests exactly as they are written and reads the answers."""

    def __init__(self, port, statistics):
        self.port, self.statistics, self.stream = port, statistics, None

    async def exchange(self, requests, close=False):
        """Sends all requests at once, then reads all answers."""
        if self.stream is None:
            self.stream = await asyncio.open_connection("127.0.0.1", self.port)
            self.statistics["connections"] += 1
        reader, writer = self.stream
        writer.write(b"".join(raw for _, raw in requests))
        answers = [await self.answer(reader, method) for method, _ in requests]
        self.statistics["exchanges"] += len(answers)
        for answer in answers:
            self.statistics[f"status {answer.status}"] += 1
        if close:
            await self.close()
        return answers

    async def close(self):
        if self.stream is not None:
            (_, writer), self.stream = self.stream, None
            writer.close()
            await writer.wait_closed()

    async def answer(self, reader, method):
        status = int((await reader.readline()).split()[1])
        headers = {}
        while line := (await reader.readline()).strip():
            name, value = line.decode().split(": ", 1)
            headers[name.lower()] = value
        body = b""
        if method != "HEAD":
            if headers.get("transfer-encoding") == "chunked":
                while length := int(await reader.readline(), 16):
                    body += await reader.readexactly(length)
                    await reader.readline()
                await reader.readline()
            else:
                body = await reader.readexactly(int(headers.get("content-length", 0)))
            if headers.get("content-encoding") == "gzip":
                self.statistics["gzip answers"] += 1
                body = gzip.decompress(body)
        return Answer(status, headers, body)


class Shopper:
    """A customer's visit. `manner` is how their client uses connections: browser, parallel, script, short or pipeline."""

    AGENTS = {"browser": "Mozilla/5.0 (X11)", "parallel": "Mozilla/5.0 (Win64)", "script": "shop-sdk/2.3", "short": "curl/8.5.0", "pipeline": "batch/1"}

    def __init__(self, manner, dice, planted, port, statistics):
        self.manner, self.dice, self.planted, self.statistics = manner, dice, planted, statistics
        self.person = Person(dice, planted)
        self.port, self.wire = port, Wire(port, statistics)
        self.token = None
        self.bearer = manner in ("script", "pipeline")
        self.gzip_answers = dice.random() < 0.5
        # What goes with each request of this client, for good.
        self.fixed = []
        if manner == "script" and dice.random() < 0.5:
            self.fixed.append(("X-Api-Key", self.person.an_api_key()))
        if dice.random() < 0.4:
            forwarded = self.person.an_ipv4() if dice.random() < 0.7 else self.person.an_ipv6()
            self.fixed.append(("X-Forwarded-For", forwarded))
        self.visitor = self.person.a_visitor() if manner in ("browser", "parallel") and dice.random() < 0.6 else None

    def request(self, method, target, document=None, extra=()):
        """The bytes of one request."""
        headers = [("Host", "shop.internal"), ("User-Agent", self.AGENTS[self.manner]), *self.fixed, *extra]
        if self.gzip_answers:
            headers.append(("Accept-Encoding", "gzip"))
        if self.token and self.bearer:
            headers.append(("Authorization", f"Bearer {self.token}"))
        cookies = ([f"visitor={self.visitor}"] if self.visitor else []) + ([f"sid={self.token}"] if self.token and not self.bearer else [])
        if cookies:
            headers.append(("Cookie", "; ".join(cookies)))
        if self.manner == "short":
            headers.append(("Connection", "close"))
        body = b""
        if document is not None:
            body = json.dumps(document, ensure_ascii=self.manner != "browser", separators=(",", ":")).encode()
            headers.append(("Content-Type", "application/json"))
            if self.dice.random() < 0.08:
                self.statistics["gzip requests"] += 1
                body = gzip.compress(body, mtime=0)
                headers.append(("Content-Encoding", "gzip"))
            if self.dice.random() < 0.08:
                self.statistics["chunked requests"] += 1
                headers.append(("Transfer-Encoding", "chunked"))
                cut = self.dice.randint(1, len(body) - 1)
                body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (body[:cut], body[cut:])) + b"0\r\n\r\n"
            else:
                headers.append(("Content-Length", str(len(body))))
        elif method in ("POST", "PUT"):
            headers.append(("Content-Length", "0"))
        if self.manner == "script":
            headers = [(name.lower(), value) for name, value in headers]
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        self.planted.send(urllib.parse.unquote(target), head, json.dumps(document, ensure_ascii=False))
        self.statistics[method] += 1
        return method, f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body

    async def call(self, method, target, document=None, extra=()):
        return (await self.wire.exchange([self.request(method, target, document, extra)], close=self.manner == "short"))[0]

    async def think(self):
        await asyncio.sleep(min(self.dice.expovariate(1 / PAUSE), 4 * PAUSE))

    async def visit(self):
        if self.dice.random() < 0.15:
            await self.call("GET", "/products")
        await self.enter()
        steps = [step for step, share in [(self.shop, 0.8), (self.settle, 0.75)] if self.dice.random() < share]
        steps += self.dice.sample([self.look, self.introduce, self.integrate, self.browse, self.slip, self.download], self.dice.randint(1, 2))
        self.dice.shuffle(steps)
        for step in steps:
            await self.think()
            await step()
        if self.dice.random() < 0.3:
            await self.think()
            assert (await self.call("POST", "/logout")).status == 204
        await self.wire.close()

    async def enter(self):
        """Signs up and logs in; some mistype their password first."""
        person = self.person
        profile = {"email": person.email, "password": person.password, "name": person.name}
        if self.dice.random() < 0.7:
            profile["phone"] = person.a_phone()
        if self.dice.random() < 0.25:
            profile["ssn"] = person.an_ssn()
        if self.dice.random() < 0.2:
            profile["note"] = person.a_note()
        signed_up = await self.call("POST", "/signup", profile)
        assert signed_up.status == 201, signed_up.body
        code = self.planted.add("activation-code", signed_up.json()["activation_code"])
        # Only where the same connection keeps the order.
        if self.manner != "short" and self.dice.random() < 0.04:
            assert (await self.call("POST", "/signup", profile)).status == 409
        await self.think()
        login = {"email": person.email, "password": person.password, "activation_code": code}
        if self.dice.random() < 0.06:
            wrong = login | {"password": self.planted.new("password", lambda: person.text(BASE62, 11))}
            assert (await self.call("POST", "/login", wrong)).status == 401
            await self.think()
        referer = [("Referer", f"http://shop.internal/welcome?mail={urllib.parse.quote(person.email, safe='')}")] if self.dice.random() < 0.15 else []
        logged_in = await self.call("POST", "/login", login, referer)
        assert logged_in.status == 200, logged_in.body
        self.token = self.planted.add("token", logged_in.json()["token"])

    async def shop(self):
        """Orders, pays, and looks at what came of it."""
        for _ in range(self.dice.choice([1, 1, 1, 2, 3])):
            order = self.person.an_order()
            extra = [("X-Client-Assertion", self.person.a_jwt())] if self.dice.random() < 0.06 else []
            placed = await self.call("POST", "/orders", order, extra)
            assert placed.status in (201, 409), placed.body
            if placed.status == 409:
                continue
            placed = placed.json()
            target = f"/orders/{placed['id']}"
            await self.think()
            if self.dice.random() < 0.08:
                assert (await self.call("POST", "/orders", order)).status == 409
            if self.dice.random() < 0.5:
                assert (await self.call("GET" if self.dice.random() < 0.8 else "HEAD", target)).status == 200
            if self.dice.random() < 0.75:
                payment = {"amount": placed["total"], "holder": self.person.name}
                if self.dice.random() < 0.7:
                    payment |= {"card_number": self.person.a_card(), "cvv": self.person.digits(3)}
                else:
                    payment |= {"iban": self.person.an_iban()}
                paid = await self.call("POST", target + "/payments", payment)
                assert paid.status == 201, paid.body
                await self.think()
                if self.dice.random() < 0.4:
                    await self.call("GET", target + "/payments")
                if self.dice.random() < 0.4:
                    await self.call("GET", target + "/events")

    async def settle(self):
        """Enters addresses, mostly two, and comes back to them."""
        ids = []
        for label in ["home", "work"][:1 if self.dice.random() < 0.2 else 2]:
            added = await self.call("POST", "/addresses", self.person.an_address(label))
            assert added.status == 201, added.body
            ids.append(added.json()["id"])
            await self.think()
        if len(ids) == 2 and self.dice.random() < 0.08:
            assert (await self.call("POST", "/addresses", self.person.an_address("summer"))).status == 409
        await self.call("GET", f"/addresses/{ids[-1]}")
        if self.dice.random() < 0.12:
            await self.think()
            assert (await self.call("DELETE", f"/addresses/{ids[0]}")).status == 204
        await asyncio.sleep(self.dice.uniform(0, 8 * PAUSE))
        await self.call("GET", "/addresses")

    async def look(self):
        """Several pages at once, as each kind of client does it."""
        targets = self.dice.sample(["/me", "/orders", "/addresses", "/api-keys", "/products"], 3)
        if self.manner == "pipeline":
            self.statistics["pipelined"] += 3
            await self.wire.exchange([self.request("GET", target) for target in targets])
        elif self.manner == "parallel":
            self.statistics["parallel"] += 3
            wires = [self.wire, Wire(self.port, self.statistics), Wire(self.port, self.statistics)]
            await asyncio.gather(*(wire.exchange([self.request("GET", target)]) for wire, target in zip(wires, targets)))
            await asyncio.gather(*(wire.close() for wire in wires[1:]))
        else:
            for target in targets[:2]:
                await self.call("GET", target)
                await self.think()

    async def introduce(self):
        change = {"phone": self.person.a_phone()}
        if self.dice.random() < 0.4:
            change["note"] = self.person.a_note()
        assert (await self.call("PUT", "/me", change)).status == 200
        if self.dice.random() < 0.4:
            await self.think()
            await self.call("GET", "/me")

    async def integrate(self):
        """Leaves a secret of some other service."""
        provider = self.dice.choice(["github", "aws", "slack", "stripe", "google", "pem", "jwt"])
        key = {"provider": provider, "label": f"{provider} of {self.person.first}"}
        if provider == "pem":
            key["secret"] = self.person.a_private_key()
        elif provider == "jwt":
            key["secret"] = self.person.a_jwt()
        else:
            key["secret"] = self.person.a_secret(provider)
        if provider == "aws":
            key["aws_secret_access_key"] = self.person.an_aws_secret()
        assert (await self.call("POST", "/api-keys", key)).status == 201
        if self.dice.random() < 0.3:
            await self.think()
            await self.call("GET", "/api-keys")

    async def browse(self):
        """Pages through the orders."""
        target = "/orders?limit=1"
        for _ in range(3):
            page = await self.call("GET", target)
            following = page.json()["next"]
            if not following:
                break
            await self.think()
            target = f"/orders?limit=1&after={following}"

    async def slip(self):
        """Asks for what is not there, or wrongly."""
        nowhere = f"{self.person.text('0123456789abcdef', 8)}-0000-4000-8000-{self.person.text('0123456789abcdef', 12)}"
        method, target, document, expected = self.dice.choice([
            ("GET", f"/orders/{nowhere}", None, 404),
            ("GET", "/addresses/adr-nowhere", None, 404),
            ("GET", "/favicon.ico", None, 404),
            ("POST", "/orders", self.person.an_order() | {"currency": "EURO"}, 422),
            ("POST", "/orders", self.person.an_order() | {"items": []}, 422),
            ("GET", "/orders?limit=0", None, 422),
            ("PUT", "/products", {"sku": "X"}, 405),
            ("HEAD", "/products", None, 200),
        ])
        answer = await self.call(method, target, document)
        assert answer.status == expected, (answer.status, expected, target)

    async def download(self):
        """The table of orders, with the token in the path or in the query."""
        target = f"/downloads/{self.token}/orders.csv" if self.dice.random() < 0.5 else f"/export?token={self.token}&format=csv"
        answer = await self.call("GET", target)
        assert answer.status == 200


async def drive(arguments, port, planted):
    """Sessions begin as a Poisson process: they arrive, whether or not the others are done."""
    statistics = Counter()
    arrivals = random.Random(arguments.seed)
    moments = sorted(arrivals.uniform(0, arguments.seconds - 14 * PAUSE) for _ in range(arguments.sessions))
    manners = arrivals.choices(["browser", "parallel", "script", "short", "pipeline"], weights=[34, 10, 30, 14, 12], k=arguments.sessions)

    async def session(number, moment, manner):
        await asyncio.sleep(moment)
        await Shopper(manner, random.Random(f"{arguments.seed}/{number}"), planted, port, statistics).visit()

    await asyncio.gather(*(session(number, *which) for number, which in enumerate(zip(moments, manners))))
    return statistics


class Counter(dict):
    def __missing__(self, _):
        return 0


def main():
    parser = argparse.ArgumentParser(description="Make examples/captures/orders.pcap.")
    parser.add_argument("--service", default=os.path.join(HERE, "../../target/debug/orders"), help="the built service")
    parser.add_argument("--seed", type=int, default=2, help="fixes what customers send")
    parser.add_argument("--sessions", type=int, default=240)
    parser.add_argument("--seconds", type=float, default=24, help="how long the traffic lasts, about")
    parser.add_argument("--output", default=HERE, help="the folder for orders.pcap and planted.tsv")
    arguments = parser.parse_args()
    pcap, planted = os.path.join(arguments.output, "orders.pcap"), Planted()

    with tempfile.TemporaryDirectory() as folder:
        service = subprocess.Popen([arguments.service, "serve", "--database", f"sqlite:{folder}/orders.db"], stdout=subprocess.PIPE, text=True)
        port = int(re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", service.stdout.readline()).group(1))
        with open(pcap, "wb") as out:
            # To stdout, because tcpdump gives up root before it opens a file.
            command = ["tcpdump", "-i", "lo", "-s", "0", "-B", "16384", "-U", "-w", "-", "--time-stamp-precision=nano", f"tcp port {port}"]
            tcpdump = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)
            if "listening on" not in (line := tcpdump.stderr.readline()) and "listening on" not in (line := line + tcpdump.stderr.readline()):
                sys.exit(f"tcpdump did not start (it needs root): {line}")
            try:
                statistics = asyncio.run(drive(arguments, port, planted))
                # The kernel hands packets over in blocks, up to a second late.
                asyncio.run(asyncio.sleep(2.5))
            finally:
                tcpdump.send_signal(signal.SIGINT)
                report = tcpdump.communicate()[1]
                service.terminate()
                service.wait()
    if "0 packets dropped by kernel" not in report:
        sys.exit(f"packets were lost: {report}")
    with open(pcap, "rb") as written:
        answers = written.read().count(b"HTTP/1.1 ")
    if answers != statistics["exchanges"]:
        sys.exit(f"{statistics['exchanges']} answers came, {answers} were captured")
    planted.write(os.path.join(arguments.output, "planted.tsv"))
    print(f"{os.path.getsize(pcap) / 1e6:.2f} MB, {len(planted.kinds)} planted values")
    for name, count in sorted(statistics.items()):
        print(f"{count:6} {name}")


# Seconds between two requests of a customer, on average.
PAUSE = 0.22

if __name__ == "__main__":
    main()
