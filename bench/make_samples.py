#!/usr/bin/env python3
"""Writes labelled samples for bench/sanitize: texts as they stand in HTTP messages, with what is to be redacted and what must stay.

The same seed gives the same samples. Needs Faker (PyPI) for people and places of many countries; the values with check digits are our
own (personal_values.py, secret_values.py, lookalikes.py). Nothing of it is of a real person, and no secret ever worked.
"""
import argparse
import base64
import json
import random
import re
import sys
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

from lookalikes import lookalikes
from personal_values import Maker, personal_values
from secret_values import secret_values

# Names that tell nothing.
NEUTRAL = "value | x | v | data | attr | item | payload | field3 | k7 | ref2 | extra | val | col5 | misc".split(" | ")
# What may stand before a telling name.
BEFORE = ["customer", "user", "billing", "shipping", "primary", "owner", "applicant", "new", "current"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON lines")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1500, help="how many samples (default %(default)s)")
    parser.add_argument("--strange", action="store_true", help="also names that only some policies take for telling")
    arguments = parser.parse_args()
    try:
        make = Samples(arguments.seed, arguments.strange)
    except ImportError:
        sys.exit("Faker is missing: python3 -m venv V && V/bin/pip install faker, and run this with V/bin/python3")
    with open(arguments.out, "w", encoding="utf-8") as out:
        for number in range(arguments.count):
            out.write(json.dumps(make.sample(number), ensure_ascii=False) + "\n")


class Field:
    """A name, a value, and what the value is: of a type to be redacted, a look-alike, or neither."""

    def __init__(self, name, value, label=None, lookalike=None):
        self.name, self.value, self.label, self.lookalike = name, value, label, lookalike


class Label:
    def __init__(self, type, kind, has_key):
        self.type, self.kind, self.has_key = type, kind, has_key


class Text:
    """A text under construction, and where in it the values stand."""

    def __init__(self):
        self.parts, self.length, self.spans, self.lookalikes = [], 0, [], []

    def add(self, text):
        self.parts.append(text)
        self.length += len(text)
        return self

    def value(self, field, encode=None, encoding=None, start=0, end=None):
        """A field's value as `encode` writes it. What was encoded is labelled by `encoding`; `start` and `end` leave quotes out."""
        text = encode(field.value) if encode else field.value
        self.mark(field, text, encoding or "none", start, end)
        return self

    def mark(self, field, text, encoding="none", start=0, end=None):
        end = len(text) if end is None else end
        span = {"start": self.length + start, "end": self.length + end}
        if field.label:
            encoding = encoding if text[start:end] != field.value else "none"
            label = field.label
            self.spans.append(span | {"type": label.type, "kind": label.kind, "value": field.value, "ctx": label.has_key, "enc": encoding})
        elif field.lookalike:
            self.lookalikes.append(span | {"type": field.lookalike})
        return self.add(text)

    def done(self, number, media_type):
        text = "".join(self.parts)
        starts, at = [], 0
        for character in text:
            starts.append(at)
            at += len(character.encode())
        starts.append(at)
        for span in self.spans + self.lookalikes:
            span["bstart"], span["bend"] = starts[span["start"]], starts[span["end"]]
        return {"id": number, "content_type": media_type, "text": text, "spans": self.spans, "neg": self.lookalikes}


class Samples:
    """Makes samples: fields with names in many spellings, in every container and encoding."""

    def __init__(self, seed, strange=False):
        self.r = random.Random(seed)
        personal = personal_values(Maker(self.r, seed))
        self.types = {name: how for name, how in {**personal, **secret_values()}.items() if strange or not how.strange}
        # What is common in traffic comes more often.
        common = {"PERSON": 5, "EMAIL": 5, "PHONE": 4, "ADDRESS": 3, "CREDIT_CARD": 3, "DOB": 2, "IPV4": 2, "IBAN": 2, "US_SSN": 2, "JWT": 2, "BEARER_OPAQUE": 2, "PASSWORD": 2}
        self.names = list(self.types)
        self.weights = [common.get(name, 1) for name in self.names]
        self.lookalikes = lookalikes()

    def sample(self, number):
        containers = [
            (30, self.json), (6, self.json_in_json), (4, self.base64_json), (12, self.form), (12, self.head), (4, self.xml), (3, self.soap), (5, self.multipart),
            (4, self.csv), (3, self.sse), (3, self.ndjson), (3, self.graphql), (3, self.html), (8, self.log), (12, self.prose), (2, self.json_of_urls), (1, self.utf_16), (2, self.json_log),
            (3, self.named_values), (2, self.ruby_log), (2, self.yaml),
        ]  # fmt: skip
        container = self.r.choices([make for _, make in containers], [weight for weight, _ in containers])[0]
        text = Text()
        media_type = container(text)
        return text.done(number, media_type)

    # --- Fields.

    def field(self, keyless=0.3):
        """A field: one in three holds something to be redacted."""
        if self.r.random() < 0.6:
            kind = self.r.choice(list(self.lookalikes))
            made = self.lookalikes[kind]
            return Field(self.r.choice(made.names), made.make(self.r), lookalike=kind)
        name = self.r.choices(self.names, self.weights)[0]
        how = self.types[name]
        has_key = not (how.alone and self.r.random() < keyless)
        return Field(self.r.choice(how.names if has_key else NEUTRAL), how.make(self.r), Label(name, how.kind, has_key))

    def fields(self, least=2, most=9):
        return [self.field() for _ in range(self.r.randint(least, most))]

    def spelled(self, field, only=None):
        """The name of a field in one of the spellings of keys; unlike words stay as they are."""
        words = re.split(r"[ \-_]+", field.name)
        if field.label and field.label.has_key and self.r.random() < 0.12 and len(words) <= 2:
            words = [self.r.choice(BEFORE), *words]
        style = self.r.choice(only or ["snake", "snake", "camel", "camel", "pascal", "kebab", "upper", "joined", "header", "numbered"])
        if style == "camel":
            return words[0] + "".join(word.capitalize() for word in words[1:])
        if style == "pascal":
            return "".join(word.capitalize() for word in words)
        if style == "kebab":
            return "-".join(words)
        if style == "upper":
            return "_".join(words).upper()
        if style == "joined":
            return "".join(words)
        if style == "header":
            return "X-" + "-".join(word.capitalize() for word in words if word != "x")
        if style == "numbered":
            return "_".join(words) + str(self.r.randint(1, 9))
        return "_".join(words)

    def unlike(self, fields, spell):
        """Fields under names that differ: where a name comes again it is numbered, or it would say something else of the first."""
        named, seen = [], set()
        for field in fields:
            name = spell(field)
            while name in seen:
                name += str(self.r.randint(1, 9))
            seen.add(name)
            named.append((name, field))
        return named

    # --- Values in JSON.

    def json_value(self, text, field, escape_more=None):
        """A value of JSON: a bare number where it can be one, else a string; now and then in a further encoding within it."""
        r, value = self.r, field.value
        escaped = lambda more: (lambda s: escape_more(s) if escape_more else s)(more)
        if re.fullmatch(r"[1-9][0-9]{2,17}", value) and r.random() < 0.3:
            text.mark(field, value)
            return
        roll = r.random()
        if roll < 0.06 and field.label:
            how = r.choice(["pct", "b64", "b64url", "hex", "json-u", "entity"])
            if how == "json-u":
                inner = "".join(f"\\u{unit:04x}" if r.random() < 0.4 or ord(c) > 126 or c in '"\\\n' else c for c in value for unit in utf_16_units(c))
            else:
                inner = encoded(value, how)
            self.quoted(text, field, escaped(inner), how, escaped('"'))
            return
        ascii_only = r.random() < 0.4
        inner = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        if r.random() < 0.1:
            inner = inner.replace("/", "\\/")
        self.quoted(text, field, escaped(inner), "json", escaped('"'))

    def quoted(self, text, field, inner, encoding, quote_mark):
        text.add(quote_mark).mark(field, inner, encoding)
        text.add(quote_mark)

    def json_object(self, text, fields, depth=0, escape_more=None, pretty=False):
        quote_mark = escape_more('"') if escape_more else '"'
        end = (escape_more("\n") if escape_more else "\n") + "  " * (depth + 1) if pretty else ""
        text.add("{")
        named = self.unlike(fields, self.spelled)
        at = 0
        while at < len(named):
            name, field = named[at]
            text.add(("," if at else "") + end)
            if depth < 3 and self.r.random() < 0.15 and len(named) - at > 1:
                text.add(f"{quote_mark}{self.r.choice(['user', 'meta', 'payment', 'attributes', 'order', 'details'])}{at}{quote_mark}:")
                within = self.r.randint(1, len(named) - at)
                self.json_object(text, [field for _, field in named[at : at + within]], depth + 1, escape_more, pretty)
                at += within
                continue
            name = json.dumps(name, ensure_ascii=False)[1:-1]
            text.add(f"{quote_mark}{escape_more(name) if escape_more else name}{quote_mark}:" + (" " if pretty else ""))
            if self.r.random() < 0.08:
                text.add("[")
                self.json_value(text, field, escape_more)
                text.add("]")
            else:
                self.json_value(text, field, escape_more)
            at += 1
        text.add(("\n" + "  " * depth if pretty and not escape_more else "") + "}")

    # --- Containers.

    def json(self, text):
        pretty = self.r.random() < 0.25
        if self.r.random() < 0.15:
            text.add("[")
            for number in range(self.r.randint(1, 4)):
                text.add("," if number else "")
                self.json_object(text, self.fields(1, 4), pretty=pretty)
            text.add("]")
        else:
            self.json_object(text, self.fields(), pretty=pretty)
        return self.r.choice(["application/json"] * 4 + ["application/json; charset=utf-8", "application/vnd.api+json"])

    def json_in_json(self, text):
        text.add('{"event":"webhook","body":"')
        escape_once = lambda s: json.dumps(s, ensure_ascii=False)[1:-1]
        if self.r.random() < 0.3:
            text.add('{\\"inner\\":\\"')
            self.json_object(text, self.fields(), escape_more=lambda s: escape_once(escape_once(s)))
            text.add('\\"}')
        else:
            self.json_object(text, self.fields(), escape_more=escape_once)
        text.add('"}')
        return "application/json+nested"

    def base64_json(self, text):
        """All of a base64 text that holds something to be redacted is labelled."""
        inner = Text()
        self.json_object(inner, self.fields(2, 6))
        plain = "".join(inner.parts)
        encoder = self.r.choice([base64.b64encode, base64.urlsafe_b64encode, lambda data: base64.urlsafe_b64encode(data).rstrip(b"=")])
        whole = encoder(plain.encode()).decode()
        text.add('{"messages":[{"data":"')
        start = text.length
        text.add(whole).add('"}]}')
        for span in inner.spans:
            text.spans.append(span | {"start": start, "end": start + len(whole), "enc": "b64"})
        return "application/json+base64"

    def form(self, text):
        for at, (name, field) in enumerate(self.unlike(self.fields(), self.spelled)):
            text.add("&" if at else "").add(quote_plus(name)).add("=")
            self.percent(text, field, quote_plus)
        return "application/x-www-form-urlencoded"

    def percent(self, text, field, how=quote_plus):
        if self.r.random() < 0.07:
            text.value(field, lambda value: quote(quote(value, safe=""), safe=""), "pct2")
        elif self.r.random() < 0.05:
            text.value(field, lambda value: "".join(f"%{byte:02x}" for byte in value.encode()), "pct")
        else:
            text.value(field, how, "pct")

    def head(self, text):
        r = self.r
        fields = [field for field in self.fields(3, 10) if field.name.isascii()]
        query, path, rest = fields[:2], fields[2:3], fields[3:]
        text.add(f"{r.choice(['GET', 'POST', 'PUT'])} /api/v{r.randint(1, 3)}/{r.choice(['users', 'orders', 'payments', 'search'])}")
        if path and path[0].label and not path[0].label.has_key:
            text.add("/").value(path[0], lambda value: quote(value, safe=""), "pct")
        else:
            rest += path
        for at, (name, field) in enumerate(self.unlike(query, self.spelled)):
            text.add("&" if at else "?").add(quote_plus(name)).add("=")
            self.percent(text, field)
        text.add(" HTTP/1.1\r\nHost: api.shop.example\r\n")
        for name, field in self.unlike(rest, lambda field: self.spelled(field, ["header"])):
            if "\n" in field.value:
                continue
            if field.label and field.label.type in ("BASIC_AUTH", "BEARER_OPAQUE", "DIGEST_AUTH") and field.label.has_key:
                name = "Authorization"
            elif field.label and field.label.type == "SESSION_COOKIE":
                cookie = r.choice(["sessionid", "PHPSESSID", "JSESSIONID", "connect.sid", "laravel_session", ".AspNetCore.Session", "next-auth.session-token"])
                text.add(f"Cookie: theme=dark; {cookie}=").value(field).add(r.choice(["\r\n", "; lang=de\r\n"]))
                continue
            elif field.label and r.random() < 0.1:
                text.add(f"Referer: https://www.shop.example/{r.choice(['find', 'account'])}?{quote_plus(self.spelled(field, ['snake', 'camel']))}=")
                text.value(field, lambda value: quote(value, safe=""), "pct").add("\r\n")
                continue
            elif field.label and r.random() < 0.1:
                text.add(f"Cookie: {quote_plus(self.spelled(field, ['snake', 'camel']))}=").value(field, lambda value: quote(value, safe=""), "pct").add("; theme=dark\r\n")
                continue
            text.add(f"{name}: ").value(field).add("\r\n")
        text.add("\r\n")
        return "http/headers"

    def xml_value(self, text, field):
        r = self.r
        if r.random() < 0.12 and "]]>" not in field.value:
            text.add("<![CDATA[").value(field).add("]]>")
        elif r.random() < 0.1 and field.label:
            text.value(field, lambda value: "".join(f"&#{r.choice([str(ord(c)), f'x{ord(c):x}'])};" if r.random() < 0.3 or c in "<&>" else c for c in value), "entity")
        else:
            text.value(field, escape, "entity")

    def xml(self, text):
        r = self.r
        text.add(r.choice(['<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>\n', ""]) + "<req>")
        for name, field in self.unlike(self.fields(), lambda field: self.spelled(field, ["snake", "camel", "pascal", "kebab", "numbered"])):
            name = xml_name(name)
            if r.random() < 0.2 and "\n" not in field.value:
                text.add(f'<entry {name}="').value(field, escape, "entity").add('"/>')
            else:
                text.add(f"<{name}>")
                self.xml_value(text, field)
                text.add(f"</{name}>")
        text.add("</req>")
        return r.choice(["application/xml", "application/xml", "text/xml; charset=utf-8"])

    def soap(self, text):
        text.add('<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="urn:shop"><soap:Body><m:Request>')
        for name, field in self.unlike(self.fields(), lambda field: self.spelled(field, ["camel", "pascal"])):
            name = xml_name(name)
            text.add(f"\n  <m:{name}>")
            self.xml_value(text, field)
            text.add(f"</m:{name}>")
        text.add("\n</m:Request></soap:Body></soap:Envelope>")
        return "application/soap+xml"

    def multipart(self, text):
        boundary = "----FormBoundary" + "".join(self.r.choices("abcdefghij0123456789", k=16))
        for name, field in self.unlike(self.fields(), self.spelled):
            text.add(f"--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n" + self.r.choice(["", "", "Content-Type: text/plain; charset=utf-8\r\n"]) + "\r\n")
            text.value(field).add("\r\n")
        text.add(f"--{boundary}--\r\n")
        return "multipart/form-data"

    def csv(self, text):
        separator = self.r.choice([",", ",", ";", "\t"])
        columns = []
        for _ in range(self.r.randint(2, 6)):
            field = self.field()
            kind = self.types.get(field.label.type) if field.label else self.lookalikes[field.lookalike]
            columns.append((self.spelled(field, ["snake", "camel", "upper"]), field, kind))
        text.add(separator.join(name for name, _, _ in columns)).add("\n")
        for _ in range(self.r.randint(1, 5)):
            for at, (_, field, kind) in enumerate(columns):
                text.add(separator if at else "")
                cell = Field(field.name, kind.make(self.r), field.label, field.lookalike)
                if any(c in cell.value for c in '",;\n\t') or self.r.random() < 0.1:
                    text.add('"').value(cell, lambda value: value.replace('"', '""'), "csv").add('"')
                else:
                    text.value(cell)
            text.add("\n")
        return "text/csv"

    def sse(self, text):
        for number in range(self.r.randint(1, 4)):
            text.add(f"id: {number}\nevent: update\ndata: ")
            self.json_object(text, self.fields(1, 4))
            text.add("\n\n")
        return "text/event-stream"

    def ndjson(self, text):
        for _ in range(self.r.randint(2, 5)):
            self.json_object(text, self.fields(1, 4))
            text.add("\n")
        return "application/x-ndjson"

    def graphql(self, text):
        if self.r.random() < 0.6:
            text.add('{"query":"mutation Save($input: SaveInput!) { save(input: $input) { id } }","variables":{"input":')
            self.json_object(text, self.fields())
            text.add("}}")
        else:
            escape_once = lambda s: json.dumps(s, ensure_ascii=False)[1:-1]
            text.add('{"query":"mutation { save(')
            for at, (name, field) in enumerate(self.unlike(self.fields(1, 4), lambda field: self.spelled(field, ["camel", "snake"]))):
                text.add(", " if at else "").add(f'{xml_name(name).replace("-", "_").replace(".", "_")}: \\"').value(field, lambda value: escape_once(escape_once(value)), "json").add('\\"')
            text.add(') { id } }"}')
        return "application/json"

    def html(self, text):
        text.add("<!DOCTYPE html><html><body>")
        form = self.r.random() < 0.6
        text.add("<form>" if form else "<table>")
        for name, field in self.unlike(self.fields(1, 6), lambda field: self.spelled(field, ["snake", "camel", "kebab"])):
            if form:
                text.add(f'<input type="text" name="{name}" value="').value(field, escape, "entity").add('">')
            else:
                text.add(f"<tr><td>{escape(field.name)}</td><td>").value(field, escape, "entity").add("</td></tr>")
        text.add("</form>" if form else "</table>").add("</body></html>")
        return "text/html"

    def log(self, text):
        for _ in range(self.r.randint(1, 3)):
            text.add(f"2026-0{self.r.randint(1, 9)}-1{self.r.randint(0, 9)}T10:22:4{self.r.randint(0, 9)}Z {self.r.choice(['INFO', 'WARN', 'DEBUG'])} handler ")
            for name, field in self.unlike(self.fields(1, 6), lambda field: self.spelled(field, ["snake", "camel", "numbered"])):
                if "\n" in field.value:
                    continue
                name = name.replace(" ", "_")
                if re.search(r'[\s,;"]', field.value):
                    text.add(f'{name}="').value(field, lambda value: value.replace('"', '\\"'), "json").add('" ')
                else:
                    text.add(f"{name}=").value(field).add(" ")
            text.add("\n")
        return "text/log"

    def json_log(self, text):
        text.add('{"level":"info","ts":"2026-05-06T10:11:12Z","msg":"')
        for field in self.fields(1, 3):
            text.add(f"{json.dumps(field.name, ensure_ascii=False)[1:-1]}: ").value(field, lambda value: json.dumps(value, ensure_ascii=False)[1:-1], "json").add(" ")
        text.add('"}\n')
        return "application/x-ndjson"

    def prose(self, text):
        r = self.r
        for field in self.fields(2, 9):
            if field.label and not field.label.has_key:
                before, after = r.choice([("they wrote ", " on the ticket"), ("Please check ", ""), ("see ", " from the caller"), ("got ", " again"), ("", " was rejected")])
            else:
                before, after = r.choice([
                    (f"my {field.name} is ", ""), (f"{field.name}: ", ""), ("customer gave ", f" as {field.name}"), (f"please update {field.name} to ", ""),
                    (f"{field.name} ", " was rejected"), (f"the {field.name} on file is ", ""), (f"{field.name} = ", ""), (f"New {field.name} ", " confirmed"),
                ])  # fmt: skip
            text.add(before).value(field).add(after).add(r.choice([". ", "\n", "; "]))
        return "text/plain"

    def json_of_urls(self, text):
        """Values within the query of a URL within JSON."""
        text.add("{")
        for at, (name, field) in enumerate(self.unlike(self.fields(1, 4), lambda field: self.spelled(field, ["snake", "camel"]))):
            text.add("," if at else "").add(f'"{self.r.choice(["redirect", "next", "callback", "link"])}{at}":"https://shop.example/go?{quote_plus(name)}=')
            text.value(field, lambda value: quote(value, safe=""), "pct").add('&lang=en"')
        text.add("}")
        return "application/json"

    def named_values(self, text):
        """Names and values side by side: forms as data, HAR files, attributes of OpenTelemetry."""
        telemetry = self.r.random() < 0.4
        text.add('{"attributes":[' if telemetry else '{"fields":[')
        for at, (name, field) in enumerate(self.unlike(self.fields(1, 6), lambda field: self.spelled(field, ["snake", "camel", "header", "kebab"]))):
            name = json.dumps(name, ensure_ascii=False)
            text.add("," if at else "").add(f'{{"key":{name},"value":{{"stringValue":"' if telemetry else f'{{"name":{name},"value":"')
            text.value(field, lambda value: json.dumps(value, ensure_ascii=False)[1:-1], "json").add('"}}' if telemetry else '"}')
        text.add("]}")
        return "application/json"

    def ruby_log(self, text):
        text.add("Started POST \"/save\" Parameters: {")
        for at, (name, field) in enumerate(self.unlike(self.fields(1, 5), lambda field: self.spelled(field, ["snake"]))):
            text.add(", " if at else "").add(f'"{name}"=>"').value(field, lambda value: json.dumps(value, ensure_ascii=False)[1:-1], "json").add('"')
        text.add("}\n")
        return "text/log"

    def yaml(self, text):
        text.add("order:\n")
        for name, field in self.unlike(self.fields(1, 6), lambda field: self.spelled(field, ["snake", "camel", "kebab"])):
            text.add(f'  {name}: "').value(field, lambda value: json.dumps(value, ensure_ascii=False)[1:-1], "json").add('"\n')
        return "application/yaml"

    def utf_16(self, text):
        """A body in UTF-16, as far as a text can hold it: its characters are all ASCII."""
        inner = Text()
        self.json_object(inner, [field for field in self.fields(2, 6) if field.value.isascii() and field.name.isascii()])
        big = self.r.random() < 0.5
        for span in inner.spans + inner.lookalikes:
            span["start"], span["end"] = span["start"] * 2, span["end"] * 2
            if "enc" in span:
                span["enc"] = "utf16"
        text.spans, text.lookalikes = inner.spans, inner.lookalikes
        text.add("".join(f"\0{c}" if big else f"{c}\0" for c in "".join(inner.parts)))
        return f"application/json; charset=utf-16{'be' if big else 'le'}"


def utf_16_units(character):
    data = character.encode("utf-16-be")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def encoded(value, how):
    """A value in a further encoding, in JSON's plain characters."""
    data = value.encode()
    return {
        "pct": lambda: "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in data),
        "b64": lambda: base64.b64encode(data).decode(),
        "b64url": lambda: base64.urlsafe_b64encode(data).decode().rstrip("="),
        "hex": lambda: data.hex(),
        "entity": lambda: "".join(c if c.isalnum() and c.isascii() else f"&#{ord(c)};" for c in value),
    }[how]()


def xml_name(name):
    name = re.sub(r"[^\w.-]", "_", name)
    return name if name[0].isalpha() or name[0] == "_" else "f" + name


if __name__ == "__main__":
    main()
