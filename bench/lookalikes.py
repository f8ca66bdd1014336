"""Made-up values that look like personal values or secrets and are none: redaction must leave them.

The table LOOKALIKES says for each kind how it is made and under which names it stands (in words).
"""
import base64
import json
import uuid
from datetime import datetime, timedelta

from personal_values import BASE36, DIGITS, UPPER, credit_card, digits, iban, luhn, some, verhoeff
from secret_values import BASE62, BASE64, HEX, LOWER, URL


def wrong_digit(number):
    """With another last digit."""
    return number[:-1] + str((int(number[-1]) + 3) % 10)


def bad_iban(r):
    number = iban(r).replace(" ", "")
    return f"{number[:2]}{(int(number[2:4]) + 5) % 97:02}{number[4:]}"


def card_like(r, length):
    body = r.choice("45") + some(r, DIGITS, length - 2)
    return wrong_digit(body + luhn(body))


def bad_aadhaar(r):
    body = digits(r, 11, "456789")
    return wrong_digit(body + verhoeff(body))


def moment(r):
    return datetime(2022, 1, 1) + timedelta(seconds=r.randrange(4 * 365 * 86400), milliseconds=r.randrange(1000))


def image(r):
    head = r.choice(["data:image/png;base64,iVBORw0KGgo", "data:image/jpeg;base64,/9j/4AAQ", "data:image/gif;base64,R0lGODlh", "data:font/woff2;base64,d09GMg"])
    return head + some(r, BASE64, r.choice([80, 300, 900]) // 4 * 4) + r.choice(["", "=="])


def user_agent(r):
    version = f"{r.randint(80, 140)}.0.{r.randint(1000, 6999)}.{r.randint(10, 199)}"
    return r.choice([
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36",
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 17_{r.randint(0, 6)} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1",
        f"Mozilla/5.0 (X11; Linux x86_64; rv:{r.randint(90, 130)}.0) Gecko/20100101 Firefox/{r.randint(90, 130)}.0",
        f"okhttp/4.{r.randint(1, 12)}.{r.randint(0, 9)}", f"python-requests/2.{r.randint(20, 32)}.0", f"curl/8.{r.randint(0, 9)}.1",
    ])  # fmt: skip


def public_key(r):
    kind = r.choice(["PUBLIC KEY", "CERTIFICATE", "RSA PUBLIC KEY"])
    if r.random() < 0.3:
        return f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{some(r, BASE64, 43)}"
    lines = "\n".join(some(r, BASE64, 64) for _ in range(r.randint(2, 6)))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----"


def product(r):
    return r.choice(["Hudson Sofa", "Paris Lamp", "Oxford Shirt", "Jordan Air 1 Retro", "Stanley Hammer 450g", "Victoria Sponge Mix", "Martin D-28 Guitar", "Charlotte Dining Chair",
                     "Lincoln Floor Rug", "Chelsea Boots", "Sydney Backpack 20L", "Florence Mirror", "Carter Desk Oak", "Rose Garden Candle", "Berlin Bookshelf", "Grace Linen Dress"])  # fmt: skip


def sentence(r):
    words = ("order delivery please today window letter machine summer blue market paper under light river quickly never many small report station "
             "garden between question morning number result carry simple water music table again often during problem").split()  # fmt: skip
    return " ".join(r.choices(words, k=r.randint(5, 12))).capitalize() + "."


def cursor(r):
    return base64.b64encode(json.dumps({"offset": r.randint(10, 9999), "sort": "asc", "page": r.randint(1, 99)}).encode()).decode()


class Lookalike:
    """How values of a kind come to be, and under which names (in words) they stand."""

    def __init__(self, make, names):
        self.make, self.names = make, names.split(" | ")


def lookalikes():
    """All kinds of look-alikes."""
    return {
        "UUID": Lookalike(lambda r: str(uuid.UUID(bytes=r.randbytes(16), version=4)), "id | request id | correlation id | order uuid | event id | trace"),
        "ULID": Lookalike(lambda r: "01J" + some(r, "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 23), "event id | job id | message id"),
        "OBJECT_ID": Lookalike(lambda r: r.randbytes(12).hex(), "object id | _id | document id"),
        "SNOWFLAKE": Lookalike(lambda r: str(r.randint(10**17, 10**18)), "message id | tweet id | event id"),
        "NANOID": Lookalike(lambda r: some(r, URL, 21), "item id | slug | short id"),
        "MD5": Lookalike(lambda r: r.randbytes(16).hex(), "md5 | checksum | content md5"),
        "SHA1": Lookalike(lambda r: r.randbytes(20).hex(), "commit | revision | sha | git sha"),
        "SHA256": Lookalike(lambda r: r.randbytes(32).hex(), "digest | checksum | sha256"),
        "SHA512": Lookalike(lambda r: r.randbytes(64).hex(), "sha512 | checksum"),
        "INTEGRITY": Lookalike(lambda r: "sha384-" + base64.b64encode(r.randbytes(48)).decode(), "integrity | sri"),
        "ETAG": Lookalike(lambda r: f'W/"{r.randbytes(4).hex()}-{some(r, BASE62, 27)}"', "etag | if none match"),
        "TRACE_ID": Lookalike(lambda r: f"00-{r.randbytes(16).hex()}-{r.randbytes(8).hex()}-01", "traceparent | trace context"),
        "B3": Lookalike(lambda r: f"{r.randbytes(8).hex()}-{r.randbytes(8).hex()}-1", "b3 | trace"),
        "SEMVER": Lookalike(lambda r: f"{r.randint(0, 20)}.{r.randint(0, 40)}.{r.randint(0, 199)}", "version | app version | sdk version | schema version"),
        "VERSION4": Lookalike(lambda r: f"{r.randint(80, 140)}.0.{r.randint(1000, 6999)}.{r.randint(10, 199)}", "browser version | version | build | firmware"),
        "PRERELEASE": Lookalike(lambda r: f"{r.randint(1, 9)}.{r.randint(0, 9)}.0-{r.choice(['rc', 'beta', 'alpha'])}.{r.randint(1, 9)}+{r.randbytes(4).hex()}", "version | release"),
        "USER_AGENT": Lookalike(user_agent, "user agent | ua | client"),
        "EPOCH_S": Lookalike(lambda r: str(r.randint(1_400_000_000, 1_900_000_000)), "timestamp | iat | exp | created | updated"),
        "EPOCH_MS": Lookalike(lambda r: str(r.randint(1_400_000_000_000, 1_900_000_000_000)), "ts | created ms | timestamp ms | updated at"),
        "EPOCH_NS": Lookalike(lambda r: str(r.randint(1_400_000_000, 1_900_000_000)) + some(r, DIGITS, 9), "time unix nano | start time"),
        "COMPACT_TIME": Lookalike(lambda r: f"{moment(r):%Y%m%d%H%M%S}", "batch time | run id | generated"),
        "ISO_TS": Lookalike(lambda r: f"{moment(r):%Y-%m-%dT%H:%M:%S}.{r.randrange(1000):03}Z", "created at | updated at | timestamp | expires at"),
        "DAY": Lookalike(lambda r: f"{moment(r):%Y-%m-%d}", "delivery date | start date | order date | due date | valid until"),
        "PRICE": Lookalike(lambda r: f"{r.randint(1, 9999)}.{r.randint(0, 99):02}", "amount | price | total | subtotal | balance"),
        "CENTS": Lookalike(lambda r: str(r.randint(100, 99_999_999)), "amount cents | total minor | amount"),
        "QUANTITY": Lookalike(lambda r: str(r.randint(1, 99_999)), "quantity | stock | count | limit | offset | page size"),
        "COLOR": Lookalike(lambda r: f"#{r.randbytes(3).hex()}", "color | bg | background"),
        "ENUM": Lookalike(lambda r: r.choice(["PENDING", "SHIPPED", "GOLD_TIER", "STANDARD_DELIVERY", "application/json", "en-GB", "EUR", "Europe/Berlin", "ACTIVE", "IN_PROGRESS", "PAYMENT_REQUIRED", "utf-8"]), "status | tier | type | state | region | locale | currency"),
        "PLACEHOLDER": Lookalike(lambda r: r.choice(["xxxxxxxxxxxxxxxx", "changeme", "${API_TOKEN}", "***", "********", "REPLACE_ME_1234567890", "<redacted>", "{{token}}", "null", "your-api-key-here", "[FILTERED]", "%(token)s", "none"]), "api key | token | secret | password | client secret"),
        "LOCAL_ADDRESS": Lookalike(lambda r: r.choice(["127.0.0.1", "0.0.0.0", "::1", "localhost:8080", f"10.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)}", f"192.168.{r.randint(0, 255)}.{r.randint(1, 254)}", f"172.{r.randint(16, 31)}.0.{r.randint(1, 254)}", "192.0.2.44", "198.51.100.7", "203.0.113.9", "2001:db8::1", "fe80::1", "fd00:1234::1"]), "bind | host | listen | upstream | server"),
        "CIDR": Lookalike(lambda r: r.choice(["10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12", "0.0.0.0/0", "fc00::/7"]), "cidr | subnet | network"),
        "NINE_DIGITS": Lookalike(lambda r: digits(r, 9, "9"), "sku no | stock id | item no"),
        "TEN_DIGITS": Lookalike(lambda r: digits(r, 10, "123456789"), "batch id | order ref | ticket"),
        "ELEVEN_DIGITS": Lookalike(lambda r: "0" + some(r, DIGITS, 10), "batch | lot | shipment no"),
        "THIRTEEN_DIGITS": Lookalike(lambda r: wrong_digit((lambda body: body + luhn(body))(digits(r, 12, "13579"))), "ref | sequence"),
        "EAN13": Lookalike(lambda r: (lambda body: body + str(-sum(int(d) * (1 if at % 2 == 0 else 3) for at, d in enumerate(body)) % 10))("40" + some(r, DIGITS, 10)), "ean | gtin | barcode | isbn"),
        "NONLUHN15": Lookalike(lambda r: card_like(r, 15), "job id | run no | ref"),
        "NONLUHN16": Lookalike(lambda r: card_like(r, 16), "tracking no | ref | order no"),
        "BAD_IBAN": Lookalike(bad_iban, "ref code | ref | code ref"),
        "BAD_AADHAAR": Lookalike(bad_aadhaar, "consignment | shipment | awb"),
        "CARD_MASKED": Lookalike(lambda r: r.choice(["**** **** **** ", "XXXXXXXXXXXX", "•••• "]) + some(r, DIGITS, 4), "display | masked | label"),
        "ORDER_NO": Lookalike(lambda r: r.choice(["ORD-", "INV-", "PO", "#", "RMA-"]) + some(r, DIGITS, r.choice([8, 10])), "order id | invoice | po number | rma"),
        "SKU": Lookalike(lambda r: f"{some(r, UPPER, 3)}-{digits(r, 4, DIGITS[1:])}-{some(r, UPPER, 2)}", "sku | part no | article"),
        "TRACKING": Lookalike(lambda r: r.choice([f"1Z{some(r, BASE36, 16)}", f"{some(r, UPPER, 2)}{some(r, DIGITS, 9)}CN", f"JD{some(r, DIGITS, 18)}"]), "tracking code | parcel | waybill"),
        "FLIGHT": Lookalike(lambda r: f"{r.choice(['LH', 'BA', 'AF', 'UA', 'EK'])}{r.randint(10, 9999)}", "flight | flight no"),
        "PRODUCT_NAME": Lookalike(product, "product | title | product name | item name"),
        "COMPANY": Lookalike(lambda r: r.choice(["Hansen & Sons Ltd", "Weber GmbH", "Moreau SA", "Johnson Controls", "Ericsson AB", "Nordic Foods Oy", "Martin Brothers Inc", "Rossi Costruzioni SpA"]), "vendor | brand | manufacturer | supplier"),
        "SENTENCE": Lookalike(sentence, "note | description | comment | message"),
        "IMAGE": Lookalike(image, "avatar | thumbnail | image | logo"),
        "PUBLIC_KEY": Lookalike(public_key, "public key | certificate | pub"),
        "CURSOR": Lookalike(cursor, "next cursor | page cursor | continuation"),
        "FILE": Lookalike(lambda r: f"{r.choice(['report', 'IMG', 'export', 'backup'])}_{some(r, DIGITS, 8)}.{r.choice(['pdf', 'jpg', 'csv', 'tar.gz'])}", "file | attachment | path"),
        "URL": Lookalike(lambda r: f"https://cdn.shop.example/{some(r, LOWER, 6)}/{some(r, DIGITS, 6)}?w={r.randint(1, 2000)}&fmt=webp", "url | link | href | image url"),
        "HOST": Lookalike(lambda r: f"{some(r, LOWER, 5)}-{some(r, HEX, 5)}.svc.cluster.local", "host | node | pod"),
        "DURATION": Lookalike(lambda r: r.choice([f"PT{r.randint(1, 59)}M", f"{r.randint(1, 999)}ms", f"{r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}"]), "duration | elapsed | took"),
        "RATIO": Lookalike(lambda r: f"{r.random():.{r.choice([3, 9, 16])}f}", "score | ratio | probability"),
        "SMALL_PAIR": Lookalike(lambda r: f"{r.randint(0, 99)}.{r.randint(0, 9)},{r.randint(0, 99)}.{r.randint(0, 9)}", "size | range | weights"),
        "DIMENSION": Lookalike(lambda r: f"{r.randint(100, 4000)}x{r.randint(100, 4000)}", "dimension | resolution"),
        "VALID_CARD_WRONG_LENGTH": Lookalike(lambda r: credit_card(r).replace(" ", "").replace("-", "") + some(r, DIGITS, 5), "ref | blob no"),
        "MEDIA_TYPE": Lookalike(lambda r: r.choice(["application/vnd.api+json", "text/html; charset=utf-8", "image/avif,image/webp,*/*;q=0.8", "gzip, deflate, br"]), "accept | media type | encoding"),
        "AWS_ARN": Lookalike(lambda r: f"arn:aws:s3:::shop-{some(r, LOWER, 6)}/{some(r, LOWER, 4)}.json", "arn | resource"),
        "BOOLEAN": Lookalike(lambda r: r.choice(["true", "false"]), "password set | token valid | has email | phone verified"),
    }  # fmt: skip
