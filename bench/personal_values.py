"""Made-up personal values in their published forms, with check digits that hold; nothing of a real person.

Each maker takes a seeded `random.Random` (`Maker` adds Faker's locales to it) and returns one value as it would be written. The table
PERSONAL says for each type how it is made, under which names it stands (in words), and whether it is told by its form alone.
Forms and checks follow the standard or authority that issues the number.
"""
import hashlib
from datetime import date, timedelta

DIGITS = "0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BASE36 = DIGITS + UPPER


# --- Parts.


def some(r, alphabet, length):
    return "".join(r.choices(alphabet, k=length))


def digits(r, length, first=DIGITS):
    return r.choice(first) + some(r, DIGITS, length - 1)


def weighted(number, weights):
    return sum(int(digit) * weight for digit, weight in zip(number, weights))


def until(make):
    """The first that is not None: numbers whose check would not be one digit are never issued."""
    while (value := make()) is None:
        pass
    return value


def birthday(r, first=1930, last=2010):
    start = date(first, 1, 1)
    return start + timedelta(days=r.randrange((date(last, 12, 31) - start).days))


def luhn(number):
    total = 0
    for index, digit in enumerate(reversed(number)):
        doubled = int(digit) * (2 if index % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return str(-total % 10)


def grouped(number, *sizes, by=" "):
    parts, at = [], 0
    for size in sizes:
        parts.append(number[at : at + size])
        at += size
    return by.join([*parts, number[at:]] if number[at:] else parts)


def or_plain(r, value, separators=" -./"):
    """As it is, or without its separators."""
    return value if r.random() < 0.5 else "".join(c for c in value if c not in separators)


def verhoeff(number):
    """The check digit: a walk in the dihedral group of the pentagon."""

    def multiply(a, b):
        if a < 5:
            return (a + b) % 5 if b < 5 else (a + b) % 5 + 5
        return (a - b) % 5 + 5 if b < 5 else (a - b) % 5

    step = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
    check = 0
    for index, digit in enumerate(reversed(number), 1):
        permuted = int(digit)
        for _ in range(index % 8):
            permuted = step[permuted]
        check = multiply(check, permuted)
    return str(next(digit for digit in range(10) if multiply(check, digit) == 0))


def iso_7064_11_10(number):
    product = 10
    for digit in number:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def as_numbers(text):
    """Letters as 10 to 35, as ISO 7064 has them."""
    return "".join(str(int(c, 36)) for c in text)


def keccak_256(data):
    """The hash of Ethereum addresses: Keccak before its padding was changed for SHA-3."""
    mask, rotations, constants, lfsr = (1 << 64) - 1, {}, [], 1
    x, y = 1, 0
    for step in range(24):
        rotations[x, y] = (step + 1) * (step + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    for _ in range(24):
        constant = 0
        for bit in range(7):
            constant |= (lfsr & 1) << ((1 << bit) - 1)
            lfsr = (lfsr << 1) ^ (0x171 if lfsr & 0x80 else 0)
        constants.append(constant)

    def rotate(value, by):
        return (value << by | value >> (64 - by)) & mask

    state = {(x, y): 0 for x in range(5) for y in range(5)}
    rate = 136
    padded = bytearray(data + bytes(rate - len(data) % rate))
    padded[len(data)] ^= 1
    padded[-1] ^= 0x80
    for block in range(0, len(padded), rate):
        for lane in range(rate // 8):
            state[lane % 5, lane // 5] ^= int.from_bytes(padded[block + 8 * lane : block + 8 * lane + 8], "little")
        for constant in constants:
            column = [state[x, 0] ^ state[x, 1] ^ state[x, 2] ^ state[x, 3] ^ state[x, 4] for x in range(5)]
            for x, y in state:
                state[x, y] ^= column[(x - 1) % 5] ^ rotate(column[(x + 1) % 5], 1)
            moved = {(y, (2 * x + 3 * y) % 5): rotate(value, rotations.get((x, y), 0)) for (x, y), value in state.items()}
            state = {(x, y): moved[x, y] ^ (~moved[(x + 1) % 5, y] & mask & moved[(x + 2) % 5, y]) for x, y in moved}
            state[0, 0] ^= constant
    return b"".join(state[lane % 5, lane // 5].to_bytes(8, "little") for lane in range(4))


# --- Money.


def credit_card(r):
    prefix, length = r.choice([
        ("4", 16), ("4", 16), (f"5{r.randint(1, 5)}", 16), (str(r.randint(2221, 2720)), 16), (r.choice(["34", "37"]), 15), ("6011", 16),
        ("65", 16), (str(r.randint(3528, 3589)), 16), (str(r.randint(300, 305)), 14), ("36", 14), ("62", 16), (str(r.randint(2200, 2204)), 16),
    ])  # fmt: skip
    body = prefix + some(r, DIGITS, length - len(prefix) - 1)
    number = body + luhn(body)
    sizes = {16: (4, 4, 4, 4), 15: (4, 6, 5), 14: (4, 6, 4)}[length]
    return r.choice([number, number, grouped(number, *sizes), grouped(number, *sizes, by="-")])


def track2(r):
    number = "4" + some(r, DIGITS, 14)
    return f";{number}{luhn(number)}={r.randint(26, 34)}{r.randint(1, 12):02}101{some(r, DIGITS, r.randint(8, 11))}?"


def track1(r):
    number = "5" + r.choice("12345") + some(r, DIGITS, 13)
    return f"%B{number}{luhn(number)}^{some(r, UPPER, 6)}/{some(r, UPPER, 5)}^{r.randint(26, 34)}{r.randint(1, 12):02}201{some(r, DIGITS, 12)}?"


# Country: the length of its IBAN's digits and letters after the check digits (ISO 13616 registry).
IBANS = {
    "AT": "16n", "BE": "12n", "BG": "4a6n8c", "CH": "5n12c", "CY": "8n16c", "CZ": "20n", "DE": "18n", "DK": "14n", "EE": "16n", "ES": "20n",
    "FI": "14n", "FR": "10n11c2n", "GB": "4a14n", "GR": "7n16c", "HR": "17n", "HU": "24n", "IE": "4a14n", "IS": "22n", "IT": "1a10n12c", "LI": "5n12c",
    "LT": "16n", "LU": "3n13c", "LV": "4a13c", "MC": "10n11c2n", "MT": "4a5n18c", "NL": "4a10n", "NO": "11n", "PL": "24n", "PT": "21n", "RO": "4a16c",
    "SE": "20n", "SI": "15n", "SK": "20n", "SM": "1a10n12c", "TR": "5n1n16c", "AE": "19n", "SA": "2n18c", "IL": "19n", "BR": "23n1a1c", "AD": "8n12c",
    "GE": "2a16n", "KZ": "3n13c", "UA": "6n19c", "RS": "18n", "QA": "4a21c", "MD": "2c18c", "AZ": "4a20c", "CR": "18n", "GI": "4a15c",
}  # fmt: skip


def iban(r):
    country = r.choice(sorted(IBANS))
    account, count = "", ""
    for c in IBANS[country]:
        if c.isdigit():
            count += c
        else:
            account += some(r, {"n": DIGITS, "a": UPPER, "c": BASE36}[c], int(count))
            count = ""
    check = 98 - int(as_numbers(account + country + "00")) % 97
    number = f"{country}{check:02}{account}"
    return number if r.random() < 0.6 else grouped(number, *[4] * (len(number) // 4))


def bic(r):
    countries = ["DE", "FR", "GB", "US", "NL", "ES", "IT", "CH", "SE", "NO", "DK", "FI", "PL", "JP", "AU", "CA", "IE", "PT", "BE", "AT", "BR", "IN", "SG", "HK"]
    return some(r, UPPER, 4) + r.choice(countries) + r.choice(UPPER + "23456789") + r.choice(BASE36.replace("O", "")) + r.choice(["", "XXX", some(r, DIGITS, 3)])


def us_aba(r):
    body = f"{r.choice([*range(1, 13), *range(21, 33)]):02}" + some(r, DIGITS, 6)
    return body + str(-weighted(body, [3, 7, 1] * 3) % 10)


def sepa_creditor(r):
    country, national = r.choice([("DE", f"0{digits(r, 10)}"), ("FR", digits(r, 6)), ("NL", digits(r, 12) + "0000"), ("ES", some(r, UPPER, 1) + digits(r, 8))])
    check = 98 - int(as_numbers(national + country + "00")) % 97
    return f"{country}{check:02}ZZZ{national}"


def bitcoin(r):
    kind = r.random()
    if kind < 0.6:
        payload = bytes([r.choice([0, 5])]) + r.randbytes(20)
        payload += hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
        number, text = int.from_bytes(payload, "big"), ""
        while number:
            number, digit = divmod(number, 58)
            text = BASE58[digit] + text
        return "1" * (len(payload) - len(payload.lstrip(b"\0"))) + text
    version, length, constant = (0, 20, 1) if kind < 0.85 else (1, 32, 0x2BC830A3)
    return bech32(version, r.randbytes(length), constant)


def bech32(version, program, constant):
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    bits = "".join(f"{byte:08b}" for byte in program)
    bits += "0" * (-len(bits) % 5)
    data = [version] + [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]

    def polymod(values):
        check = 1
        for value in values:
            top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
            for bit, generator in enumerate([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]):
                check ^= generator if top >> bit & 1 else 0
        return check

    prefix = [3, 3, 0, 2, 3]  # "bc", expanded
    check = polymod(prefix + data + [0] * 6) ^ constant
    return "bc1" + "".join(alphabet[digit] for digit in data + [check >> 5 * (5 - at) & 31 for at in range(6)])


def ethereum(r):
    address = r.randbytes(20).hex()
    if r.random() < 0.5:
        return "0x" + address
    digest = keccak_256(address.encode()).hex()
    return "0x" + "".join(c.upper() if int(digest[at], 16) > 7 else c for at, c in enumerate(address))


# --- North America.


def us_ssn(r):
    area = until(lambda: (lambda n: n if n != 666 else None)(r.randint(1, 899)))
    return f"{area:03}-{r.randint(1, 99):02}-{r.randint(1, 9999):04}"


def us_itin(r):
    group = r.choice([*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)])
    return f"9{some(r, DIGITS, 2)}-{group}-{some(r, DIGITS, 4)}"


def us_npi(r):
    body = digits(r, 9, "12")
    return body + luhn("80840" + body)


def us_dea(r):
    body = some(r, DIGITS, 6)
    return r.choice("ABCFGMPR") + r.choice(UPPER) + body + str((weighted(body, [1, 2] * 3)) % 10)


def us_mbi(r):
    letters = "ACDEFGHJKMNPQRTUVWXY"
    pick = {"C": "123456789", "A": letters, "N": DIGITS, "M": DIGITS + letters}
    number = "".join(r.choice(pick[place]) for place in "CAMNAMNAANN")
    return r.choice([number, grouped(number, 4, 3, 4, by="-")])


def ca_sin(r):
    body = digits(r, 8, "12345679")
    return or_plain(r, grouped(body + luhn(body), 3, 3, 3, by=r.choice(" -")))


def mx_curp(r):
    born = birthday(r)
    body = f"{r.choice(UPPER)}{r.choice('AEIOU')}{some(r, UPPER, 2)}{born:%y%m%d}{r.choice('HM')}"
    body += r.choice(["AS", "BC", "CS", "DF", "JC", "MC", "NL", "OC", "PL", "QT", "VZ", "YN"]) + some(r, "BCDFGHJKLMNPQRSTVWXYZ", 3)
    body += r.choice(DIGITS) if born.year < 2000 else r.choice("ABCDE")
    alphabet = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
    return body + str(-sum(alphabet.index(c) * (18 - at) for at, c in enumerate(body)) % 10)


def mx_rfc(r):
    alphabet = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"
    body = f"{r.choice(UPPER)}{r.choice('AEIOU')}{some(r, UPPER, 2)}{birthday(r):%y%m%d}{some(r, DIGITS[1:] + UPPER, 2)}"
    check = -sum(alphabet.index(c) * (13 - at) for at, c in enumerate(body)) % 11
    return body + "0123456789A"[check]


# --- South America.


def br_cpf(r):
    body = some(r, DIGITS, 9)
    for start in (10, 11):
        body += str(-weighted(body, range(start, 1, -1)) % 11 % 10)
    return or_plain(r, f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}")


def br_cnpj(r):
    alphabet = BASE36 if r.random() < 0.3 else DIGITS
    body = some(r, alphabet, 8) + "0001" if r.random() < 0.7 else some(r, alphabet, 12)
    for weights in ([5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]):
        body += str(-sum((ord(c) - 48) * weight for c, weight in zip(body, weights)) % 11 % 10)
    return or_plain(r, f"{body[:2]}.{body[2:5]}.{body[5:8]}/{body[8:12]}-{body[12:]}")


def ar_cuit(r):
    def make():
        body = r.choice(["20", "23", "24", "27", "30", "33", "34"]) + some(r, DIGITS, 8)
        check = -weighted(body, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
        return None if check == 10 else f"{body[:2]}-{body[2:]}-{check}"

    return or_plain(r, until(make))


def cl_rut(r):
    body = str(r.randint(5_000_000, 25_999_999))
    check = "0123456789K"[-weighted(reversed(body), [2, 3, 4, 5, 6, 7, 2, 3]) % 11]
    return r.choice([f"{int(body):,}".replace(",", ".") + f"-{check}", f"{body}-{check}"])


def co_nit(r):
    body = digits(r, 9, "89")
    remainder = weighted(reversed(body), [3, 7, 13, 17, 19, 23, 29, 37, 41]) % 11
    return f"{int(body):,}".replace(",", ".") + f"-{remainder if remainder < 2 else 11 - remainder}"


# --- Western and southern Europe.


def uk_nino(r):
    def make():
        prefix = r.choice("ABCEGHJKLMNOPRSTWXYZ") + r.choice("ABCEGHJKLMNPRSTWXYZ")
        return None if prefix in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"} else prefix

    number = until(make) + some(r, DIGITS, 6) + r.choice("ABCD")
    return r.choice([number, grouped(number, 2, 2, 2, 2, 1)])


def uk_nhs(r):
    def make():
        body = digits(r, 9, "4679")
        check = -weighted(body, range(10, 1, -1)) % 11
        return None if check == 10 else body + str(check)

    number = until(make)
    return r.choice([number, grouped(number, 3, 3, 4)])


def uk_utr(r):
    body = some(r, DIGITS, 9)
    return "21987654321"[weighted(body, [6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11] + body


def ie_pps(r):
    body, second = digits(r, 7), r.choice(["", "", "A", "B", "H"])
    total = weighted(body, range(8, 1, -1)) + 9 * (ord(second) - 64 if second else 0)
    return body + "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] + second


def de_tax_id(r):
    twice, *others = r.sample(DIGITS, 9)
    while True:
        body = [twice, twice, *others]
        r.shuffle(body)
        if body[0] != "0":
            break
    body = "".join(body)
    number = body + iso_7064_11_10(body)
    return r.choice([number, number, grouped(number, 2, 3, 3, 3)])


def de_pension(r):
    letter = r.choice(UPPER)
    front, back = f"{r.randint(2, 89):02}{birthday(r):%d%m%y}", some(r, DIGITS, 2)
    total = 0
    for digit, weight in zip(front + f"{ord(letter) - 64:02}" + back, [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]):
        product = int(digit) * weight
        total += product // 10 + product % 10
    number = front + letter + back + str(total % 10)
    return r.choice([number, f"{number[:2]} {number[2:8]} {letter} {number[9:]}"])


def fr_nir(r):
    department = r.choice([f"{r.randint(1, 95):02}", "2A", "2B"] if r.random() < 0.3 else [f"{r.randint(1, 19):02}", f"{r.randint(21, 95):02}"])
    body = f"{r.choice('12')}{r.randint(0, 99):02}{r.randint(1, 12):02}{department}{r.randint(1, 990):03}{r.randint(1, 999):03}"
    check = 97 - int(body.replace("2A", "19").replace("2B", "18")) % 97
    number = f"{body}{check:02}"
    return r.choice([number, grouped(number, 1, 2, 2, 2, 3, 3, 2)])


def fr_spi(r):
    body = digits(r, 10, "0123")
    number = f"{body}{int(body) % 511:03}"
    return r.choice([number, grouped(number, 2, 2, 3, 3, 3)])


def es_letter(number):
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]


def es_dni(r):
    body = some(r, DIGITS, 8)
    return body + r.choice(["", "", "-"]) + es_letter(int(body))


def es_nie(r):
    body, first = some(r, DIGITS, 7), r.choice("XYZ")
    dash = r.choice(["", "", "-"])
    return first + dash + body + dash + es_letter(int("XYZ".index(first) * 10**7 + int(body)))


def es_nuss(r):
    province, body = r.randint(1, 53), some(r, DIGITS, 8)
    value = int(body) + province * 10**7 if int(body) < 10**7 else int(f"{province}{body}")
    number = f"{province:02}{body}{value % 97:02}"
    return r.choice([number, f"{number[:2]}/{number[2:10]}/{number[10:]}", f"{number[:2]} {number[2:10]} {number[10:]}"])


def it_fiscal_code(r):
    consonants = "BCDFGLMNPRSTVZ"
    born = birthday(r)
    day = born.day + r.choice([0, 40])
    body = f"{some(r, consonants, 6)}{born:%y}{'ABCDEHLMPRST'[born.month - 1]}{day:02}{r.choice('ABCDEFGHIL')}{r.randint(1, 999):03}"
    if r.random() < 0.1:  # who has the same code as another gets letters in place of digits, from the right
        body = body[:14] + "LMNPQRSTUV"[int(body[14])]
    odd = {**dict(zip(DIGITS, [1, 0, 5, 7, 9, 13, 15, 17, 19, 21])),
           **dict(zip(UPPER, [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]))}  # fmt: skip
    total = sum(odd[c] if at % 2 == 0 else (int(c) if c.isdigit() else ord(c) - 65) for at, c in enumerate(body))
    return body + UPPER[total % 26]


def it_vat(r):
    body = some(r, DIGITS, 7) + f"{r.randint(1, 100):03}"
    return r.choice(["", "", "IT"]) + body + luhn(body)


def pt_nif(r):
    body = r.choice(["1", "2", "3", "5"]) + some(r, DIGITS, 7)
    number = body + str(-weighted(body, range(9, 1, -1)) % 11 % 10)
    return r.choice([number, grouped(number, 3, 3, 3)])


def nl_bsn(r):
    def make():
        body = digits(r, 8, DIGITS[1:])
        check = weighted(body, range(9, 1, -1)) % 11
        return None if check == 10 else body + str(check)

    number = until(make)
    return r.choice([number, number, f"{number[:4]}.{number[4:6]}.{number[6:]}"])


def be_nrn(r):
    born = birthday(r, 1930, 2012)
    body = f"{born:%y%m%d}{r.randint(1, 997):03}"
    number = f"{body}{97 - int(('2' if born.year >= 2000 else '') + body) % 97:02}"
    return r.choice([number, f"{number[:2]}.{number[2:4]}.{number[4:6]}-{number[6:9]}.{number[9:]}"])


def ch_ahv(r):
    body = "756" + some(r, DIGITS, 9)
    number = body + str(-weighted(body, [1, 3] * 6) % 10)
    return r.choice([number, f"{number[:3]}.{number[3:7]}.{number[7:11]}.{number[11:]}"])


def at_svnr(r):
    def make():
        serial, born = str(r.randint(100, 999)), f"{birthday(r):%d%m%y}"
        check = weighted(serial + born, [3, 7, 9, 5, 8, 4, 2, 1, 6]) % 11
        return None if check == 10 else f"{serial}{check} {born}"

    return or_plain(r, until(make))


def gr_amka(r):
    body = f"{birthday(r):%d%m%y}{some(r, DIGITS, 4)}"
    return body + luhn(body)


# --- Northern Europe.


def se_personnummer(r):
    born = birthday(r)
    day = born.day + (60 if r.random() < 0.15 else 0)
    body = f"{born:%y%m}{day:02}{r.randint(1, 999):03}"
    number = f"{body[:6]}-{body[6:]}{luhn(body)}"
    return number if r.random() < 0.5 else f"{born:%Y}"[:2] + number


def fi_hetu(r):
    born = birthday(r, 1925, 2015)
    body = f"{born:%d%m%y}{r.randint(2, 899):03}"
    sign = r.choice("-----UVWXY") if born.year < 2000 else r.choice("AAAAABCDEF")
    return f"{body[:6]}{sign}{body[6:]}{'0123456789ABCDEFHJKLMNPRSTUVWXY'[int(body) % 31]}"


def dk_cpr(r):
    def make():
        body = f"{birthday(r, 1930, 1999):%d%m%y}{some(r, '0123', 1)}{some(r, DIGITS, 2)}"
        check = -weighted(body, [4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
        return None if check == 10 else f"{body[:6]}-{body[6:]}{check}"

    return or_plain(r, until(make))


def no_fnr(r):
    def make():
        born = birthday(r, 1940, 1999)
        body = f"{born:%d%m%y}{r.randint(0, 499):03}"
        first = -weighted(body, [3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11
        second = -weighted(body + str(first), [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 if first < 10 else 10
        return None if 10 in (first, second) else f"{body}{first}{second}"

    number = until(make)
    return r.choice([number, number, f"{number[:6]} {number[6:]}"])


# --- Central and eastern Europe, Turkey, Israel.


def pl_pesel(r):
    born = birthday(r)
    body = f"{born:%y}{born.month + (20 if born.year >= 2000 else 0):02}{born:%d}{some(r, DIGITS, 4)}"
    return body + str(-weighted(body, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)


def pl_nip(r):
    def make():
        body = digits(r, 9, DIGITS[1:])
        check = weighted(body, [6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11
        return None if check == 10 else body + str(check)

    number = until(make)
    return r.choice([number, f"{number[:3]}-{number[3:6]}-{number[6:8]}-{number[8:]}"])


def cz_birth_number(r):
    def make():
        born = birthday(r, 1955, 2010)
        month = born.month + r.choice([0, 50])
        body = f"{born:%y}{month:02}{born:%d}{r.randint(0, 999):03}"
        check = int(body) % 11
        return None if check == 10 else f"{body[:6]}/{body[6:]}{check}"

    return or_plain(r, until(make))


def ro_cnp(r):
    born = birthday(r)
    body = f"{r.choice('12' if born.year < 2000 else '56')}{born:%y%m%d}{r.randint(1, 46):02}{r.randint(1, 999):03}"
    check = weighted(body, [2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11
    return body + str(1 if check == 10 else check)


def bg_egn(r):
    born = birthday(r)
    body = f"{born:%y}{born.month + (40 if born.year >= 2000 else 0):02}{born:%d}{some(r, DIGITS, 3)}"
    return body + str(weighted(body, [2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10)


def hu_taj(r):
    body = digits(r, 8, "01234567")
    number = body + str(weighted(body, [3, 7] * 4) % 10)
    return r.choice([number, grouped(number, 3, 3, 3)])


def hu_tax_id(r):
    def make():
        body = "8" + some(r, DIGITS, 8)
        check = weighted(body, range(1, 10)) % 11
        return None if check == 10 else body + str(check)

    return until(make)


def baltic(r):
    """Estonia and Lithuania have the same code."""
    born = birthday(r)
    body = f"{r.choice('34' if born.year < 2000 else '56')}{born:%y%m%d}{some(r, DIGITS, 3)}"
    check = weighted(body, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11
    if check == 10:
        check = weighted(body, [3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10
    return body + str(check)


def lv_code(r):
    body = f"{birthday(r, 1930, 1999):%d%m%y}1{some(r, DIGITS, 3)}"
    number = body + str((1 + weighted(body, [10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11 % 10)
    return or_plain(r, f"{number[:6]}-{number[6:]}")


def tr_tckn(r):
    body = digits(r, 9, DIGITS[1:])
    odd, even = sum(map(int, body[0::2])), sum(map(int, body[1::2]))
    body += str((odd * 7 - even) % 10)
    return body + str(sum(map(int, body)) % 10)


def il_id(r):
    body = some(r, DIGITS, 8)
    return body + luhn(body)


# --- Africa, Asia, Oceania.


def za_id(r):
    body = f"{birthday(r):%y%m%d}{some(r, DIGITS, 4)}{r.choice('01')}8"
    number = body + luhn(body)
    return r.choice([number, number, grouped(number, 6, 4, 2, 1)])


def in_aadhaar(r):
    body = digits(r, 11, "23456789")
    number = body + verhoeff(body)
    return r.choice([number, grouped(number, 4, 4, 4), grouped(number, 4, 4, 4, by="-")])


def in_pan(r):
    return some(r, UPPER, 3) + r.choice("PCHFATBLJG") + r.choice(UPPER) + some(r, DIGITS, 4) + r.choice(UPPER)


def in_gstin(r):
    body = f"{r.randint(1, 37):02}{in_pan(r)}{r.choice('123456789')}Z"
    total = 0
    for at, c in enumerate(body):
        product = int(c, 36) * (at % 2 + 1)
        total += product // 36 + product % 36
    return body + BASE36[-total % 36]


def jp_my_number(r):
    body = some(r, DIGITS, 11)
    remainder = weighted(reversed(body), [2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6]) % 11
    number = body + str(0 if remainder <= 1 else 11 - remainder)
    return r.choice([number, number, grouped(number, 4, 4, 4)])


def kr_rrn(r):
    born = birthday(r, 1935, 2015)
    body = f"{born:%y%m%d}{r.choice('12' if born.year < 2000 else '34')}{some(r, DIGITS, 5)}"
    return f"{body[:6]}-{body[6:]}{(11 - weighted(body, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10}"


def cn_resident_id(r):
    area = r.choice(["110105", "310104", "440305", "510107", "330106", "320508", "420111", "610113"])
    body = f"{area}{birthday(r):%Y%m%d}{some(r, DIGITS, 3)}"
    return body + "10X98765432"[weighted(body, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11]


def tw_id(r):
    letter = r.choice(UPPER)
    code = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(letter) + 10
    body = r.choice("12") + some(r, DIGITS, 7)
    total = code // 10 + code % 10 * 9 + weighted(body, range(8, 0, -1))
    return f"{letter}{body}{-total % 10}"


def hk_id(r):
    letter, body = r.choice(UPPER), some(r, DIGITS, 6)
    total = 36 * 9 + (ord(letter) - 55) * 8 + weighted(body, range(7, 1, -1))
    return f"{letter}{body}({'0123456789A'[-total % 11]})"


def sg_nric(r):
    first, body = r.choice("STFGM"), some(r, DIGITS, 7)
    total = weighted(body, [2, 7, 6, 5, 4, 3, 2]) + {"T": 4, "G": 4, "M": 3}.get(first, 0)
    table = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}[first]
    return first + body + table[total % 11]


def th_id(r):
    body = digits(r, 12, "12345678")
    check = (11 - weighted(body, range(13, 1, -1)) % 11) % 10
    number = f"{body}{check}"
    return r.choice([number, f"{number[0]}-{number[1:5]}-{number[5:10]}-{number[10:12]}-{number[12]}"])


def my_kad(r):
    return f"{birthday(r):%y%m%d}-{r.choice([*range(1, 17), *range(21, 60)]):02}-{some(r, DIGITS, 4)}"


def id_nik(r):
    born = birthday(r)
    day = born.day + r.choice([0, 40])
    return f"{r.choice(['3171', '3273', '3578', '5171', '1271'])}{r.randint(1, 20):02}{day:02}{born:%m%y}{r.randint(1, 999):04}"


def au_tfn(r):
    def make():
        body = digits(r, 8, DIGITS[1:])
        check = -weighted(body, [1, 4, 3, 7, 5, 8, 6, 9]) * 10 % 11  # 10 is its own inverse
        return None if check == 10 else body + str(check)

    number = until(make)
    return r.choice([number, grouped(number, 3, 3, 3)])


def au_medicare(r):
    body = digits(r, 8, "23456")
    number = body + str(weighted(body, [1, 3, 7, 9] * 2) % 10) + r.choice("1234")
    return r.choice([number, grouped(number, 4, 5, 1)])


def au_abn(r):
    def make():
        body = some(r, DIGITS, 9)
        for check in range(11, 100):
            number = f"{check}{body}"
            if (weighted(number, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 == 0:
                return number
        return None

    number = until(make)
    return r.choice([number, grouped(number, 2, 3, 3, 3)])


def nz_ird(r):
    def make():
        body = str(r.randint(1_000_000, 14_999_999))
        for weights in ([3, 2, 7, 6, 5, 4, 3, 2], [7, 4, 3, 2, 5, 2, 7, 6]):
            check = -weighted(body.zfill(8), weights) % 11
            if check < 10:
                return f"{body}{check}"
        return None

    number = until(make)
    return r.choice([number, grouped(number[:-6], len(number) - 6) + f"-{number[-6:-3]}-{number[-3:]}"])


# --- Devices, places, contact.


def imei(r):
    body = r.choice(["35", "86", "01"]) + some(r, DIGITS, 12)
    return body + luhn(body)


def iccid(r):
    body = "89" + r.choice(["49", "33", "44", "310", "61", "48"]) + some(r, DIGITS, 14)
    body = body[:18]
    return body + luhn(body)


def vin(r):
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
    values = {**{d: int(d) for d in DIGITS}, **dict(zip("ABCDEFGH", range(1, 9))), **dict(zip("JKLMN", range(1, 6))), "P": 7, "R": 9, **dict(zip("STUVWXYZ", range(2, 10)))}
    front = r.choice(["1FT", "2HG", "3VW", "JTD", "KMH", "WBA", "WDB", "VF1", "ZFA", "YV1", "SAL", "TMB"]) + some(r, DIGITS + letters, 5)
    back = r.choice("FGHJKLMNPRSTVWXY123456789") + r.choice(letters) + some(r, DIGITS, 6)
    weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    check = sum(values[c] * weight for c, weight in zip(f"{front}0{back}", weights)) % 11
    return front + "0123456789X"[check] + back


def mac(r):
    parts = [f"{byte:02x}" for byte in r.randbytes(6)]
    text = r.choice([":", ":", "-"]).join(parts)
    return r.choice([text, text, text.upper(), f"{''.join(parts[:2])}.{''.join(parts[2:4])}.{''.join(parts[4:])}"])


def ipv4(r):
    def make():
        parts = [r.choice([5, 23, 31, 46, 62, 77, 80, 89, 91, 109, 134, 141, 178, 185, 193, 212, 217]), r.randint(0, 255), r.randint(0, 255), r.randint(1, 254)]
        return None if parts[:2] == [193, 0] else ".".join(map(str, parts))

    return until(make)


def ipv6(r):
    groups = [r.choice(["2a00", "2a01", "2a02", "2a03", "2600", "2601", "2804", "2409", "2001"]), f"{r.randint(0x1000, 0xFFFF):x}"]
    if groups[0] == "2001":
        groups[1] = r.choice(["4860", "67c", "1af8"])
    groups += [f"{r.randint(1, 0xFFFF):x}" for _ in range(6)]
    if r.random() < 0.3:
        return ":".join(groups[:3]) + "::" + ":".join(groups[6:])
    return ":".join(groups)


def geo(r):
    return f"{r.uniform(-60, 70):.6f},{r.uniform(-170, 170):.6f}"


PHONES = {
    "+33": ["6########", "7########", " 6 ## ## ## ##"], "+49": ["15########", " 151 ########", "30#######"], "+44": ["7#########", " 7### ######", " 20 7### ####"],
    "+1": ["415#######", " (212) ###-####", "-646-###-####"], "+34": ["6########", " 6## ### ###"], "+39": ["3#########", " 3## ### ####"], "+31": ["6########", " 6 ########"],
    "+48": ["5########", " 6## ### ###"], "+46": ["70#######", " 70 ### ## ##"], "+47": ["9#######", " 9## ## ###"], "+45": ["2#######", " 2# ## ## ##"],
    "+358": ["40#######", " 40 #######"], "+351": ["9########", " 91# ### ###"], "+43": ["664#######", " 664 #######"], "+41": ["79#######", " 79 ### ## ##"],
    "+55": ["119########", " 11 9####-####"], "+52": ["55########", " 55 #### ####"], "+91": ["9#########", " 98### #####"], "+81": ["90########", " 90-####-####"],
    "+82": ["10########", " 10-####-####"], "+86": ["13#########", " 138 #### ####"], "+61": ["4########", " 4## ### ###"], "+64": ["21#######", " 21 ### ####"],
    "+27": ["8########", " 82 ### ####"], "+90": ["5#########", " 532 ### ## ##"], "+420": ["6########", " 7## ### ###"], "+380": ["67#######", " 67 ### ## ##"],
    "+353": ["85#######", " 85 ### ####"], "+972": ["50#######", " 50-###-####"], "+66": ["8########", " 8# ### ####"], "+65": ["9#######", " 9### ####"],
}  # fmt: skip
NATIONAL_PHONES = [
    "0### ######", "0## #### ####", "(0##) #######", "06 ## ## ## ##", "07### ######", "(212) 6##-####", "212-7##-####", "09########", "0#-####-####",
    "03##/#######", "0## ### ## ##", "9## ### ###",
]  # fmt: skip


def fill(r, form):
    return "".join(r.choice(DIGITS) if c == "#" else c for c in form)


def phone(r):
    code = r.choice(sorted(PHONES))
    return fill(r, code + r.choice(PHONES[code]))


def national_phone(r):
    return fill(r, r.choice(NATIONAL_PHONES)) if r.random() < 0.4 else phone(r)


def birth_date(r):
    return f"{birthday(r):{r.choice(['%Y-%m-%d', '%d.%m.%Y', '%m/%d/%Y', '%d/%m/%Y', '%Y/%m/%d', '%d-%m-%Y'])}}"


def written_birth_date(r):
    return f"{birthday(r):{r.choice(['%d %B %Y', '%B %d, %Y', '%d-%b-%Y', '%Y%m%d', '%d.%m.%y'])}}"


def mrz(r):
    """The second line of a passport's machine-readable zone (ICAO 9303)."""

    def check(field):
        return str(sum((0 if c == "<" else int(c, 36)) * weight for c, weight in zip(field, [7, 3, 1] * 15)) % 10)

    number, born, until_ = some(r, BASE36, 9), f"{birthday(r):%y%m%d}", f"{r.randint(26, 35)}{r.randint(1, 12):02}{r.randint(1, 28):02}"
    personal = some(r, BASE36, 8) + "<" * 6
    country = r.choice(["UTO", "FRA", "NLD", "POL", "ITA", "CHE"])
    line = number + check(number) + country + born + check(born) + r.choice("MF<") + until_ + check(until_) + personal + check(personal)
    return line + check(line[:10] + line[13:20] + line[21:43])


class Maker:
    """A seeded source, with people and places in many countries (PyPI: Faker)."""

    LOCALES = (
        "da_DK sv_SE no_NO fi_FI hu_HU ro_RO tr_TR el_GR uk_UA ru_RU bg_BG hr_HR sk_SK sl_SI cs_CZ pl_PL et_EE lt_LT lv_LV pt_BR pt_PT es_MX es_AR es_ES "
        "fr_CA fr_FR fr_CH de_AT de_CH de_DE it_IT nl_NL nl_BE en_GB en_AU en_NZ en_IE en_US en_CA en_IN hi_IN ko_KR zh_TW zh_CN ja_JP id_ID vi_VN th_TH he_IL ar_SA fa_IR tl_PH"
    ).split()

    def __init__(self, random, seed):
        from faker import Faker

        self.random = random
        # One instance for each locale, made when it is first used: they are slow to make.
        self._made, self._faker, self._seed = {}, Faker, seed

    def locale(self):
        name = self.random.choice(self.LOCALES)
        if name not in self._made:
            self._made[name] = self._faker(name)
            self._made[name].seed_instance(f"{self._seed}/{name}")
        return self._made[name]

    def person(self, r):
        fake = self.locale()
        kind = r.random()
        if kind < 0.7:
            return fake.name()
        if kind < 0.85:
            return f"{fake.last_name()}, {fake.first_name()}"
        return f"{fake.first_name()} {fake.last_name()}"

    def given_name(self, r):
        return self.locale().first_name()

    def family_name(self, r):
        return self.locale().last_name()

    def address(self, r):
        return ", ".join(part.strip() for part in self.locale().address().splitlines() if part.strip())

    def street(self, r):
        return self.locale().street_address().replace("\n", ", ")

    def email(self, r):
        name = some(r, "abcdefghijklmnopqrstuvwxyz", r.randint(3, 8))
        second = some(r, "abcdefghijklmnopqrstuvwxyz", r.randint(3, 8))
        local = r.choice([f"{name}.{second}", f"{name}{r.randint(1, 99)}", f"{name}_{second}", f"{name}+{second}", f"{name[0]}{second}", f"{name}-{second}.{r.randint(1, 9)}"])
        domain = r.choice(["gmail.com", "outlook.com", "web.de", "wanadoo.fr", "libero.it", "seznam.cz", "mail.ru", "qq.com", "naver.com", "uol.com.br", "bbc.co.uk",
                           "telia.se", "posteo.net", "acme-industries.io", "uni-graz.ac.at", "sub.mail.firma.com.tr", "ministry.gov.pl", "startup.dev"])  # fmt: skip
        return f"{local}@{domain}"


class Personal:
    """How values of a type come to be: made by `make`, named by one of `names` (in words), told by their form `alone` or not."""

    def __init__(self, make, names, alone=True, strange=False):
        self.make, self.names, self.alone, self.kind = make, names.split(" | "), alone, "pii"
        # Named in ways that only some policies take for telling.
        self.strange = strange


def personal_values(maker):
    """All types of personal values."""
    return {
        "PERSON": Personal(maker.person, "name | full name | customer name | billing name | patient | patient name | contact name | account holder | cardholder name | recipient name | nombre completo | nome completo | vollständiger name | nom complet | imie i nazwisko | naam | kontaktperson | 氏名 | 姓名 | beneficiary name | passenger name"),
        "GIVEN_NAME": Personal(maker.given_name, "first name | given name | vorname | prenom | nombre | nome | fornavn | imie | firstname | voornaam | etunimi | keresztnev", alone=False),
        "FAMILY_NAME": Personal(maker.family_name, "last name | surname | family name | nachname | nom de famille | apellido | apellidos | cognome | sobrenome | achternaam | nazwisko | efternamn | sukunimi | prijmeni", alone=False),
        "EMAIL": Personal(maker.email, "email | e mail | user email | contact | email address | mail | courriel | correo | correo electronico | customer email | billing email | sähköposti | reply to"),
        "PHONE": Personal(phone, "phone | phone number | tel | mobile | mobile phone | telephone | telefon | handy | telefono | celular | telefone | gsm | whatsapp | cell phone | home phone | fax | puhelin | telefonnummer | 電話番号"),
        "PHONE_NATIONAL": Personal(national_phone, "phone | phone number | tel | mobile | telephone | telefon | telefono | contact phone | portable | mobil", alone=False),
        "ADDRESS": Personal(maker.address, "address | street address | shipping address | billing address | home address | adresse | anschrift | direccion | domicilio | indirizzo | adres | endereco | osoite | postal address | mailing address | delivery address | 住所"),
        "STREET": Personal(maker.street, "street | street address | address line 1 | address1 | strasse | rue | calle | via | ulica | straat | gatuadress | logradouro", alone=False),
        "DOB": Personal(birth_date, "dob | date of birth | birth date | birthday | geburtsdatum | date de naissance | fecha de nacimiento | data di nascita | data nascimento | geboortedatum | data urodzenia | födelsedatum | born on | syntymäaika | fødselsdato"),
        "DOB_WRITTEN": Personal(written_birth_date, "dob | date of birth | birth date | birthday | geburtstag", alone=False),
        "GEO": Personal(geo, "location | latlng | coordinates | geo | lat lon | position | gps | geolocation"),
        "IPV4": Personal(ipv4, "ip | ip address | client ip | remote addr | source ip | user ip | real ip | last login ip"),
        "IPV6": Personal(ipv6, "ip | client ip | remote addr | ipv6 | ip6 | source ip | ip address"),
        "MAC": Personal(mac, "mac | mac address | hw address | bssid | ethernet address | wifi mac | bluetooth mac"),
        "IMEI": Personal(imei, "imei | imei number | device imei | imei1"),
        "ICCID": Personal(iccid, "iccid | sim | sim serial | sim number"),
        "IMSI": Personal(lambda r: r.choice(["26201", "20801", "310260", "23415"]) + some(r, DIGITS, 10)[:9], "imsi | subscriber imsi", alone=False),
        "ADVERTISING_ID": Personal(lambda r: "-".join(r.randbytes(size).hex() for size in (4, 2, 2, 2, 6)), "idfa | gaid | advertising id | ad id | android advertising id | idfv", alone=False),
        "VIN": Personal(vin, "vin | vehicle id | chassis number | vehicle identification number | fahrgestellnummer | numero de chasis | telaio"),
        "LICENCE_PLATE": Personal(lambda r: r.choice([f"{some(r, UPPER, 2)}-{some(r, DIGITS, 3)}-{some(r, UPPER, 2)}", f"{r.choice(['B', 'M', 'HH'])}-{some(r, UPPER, 2)} {digits(r, 4, DIGITS[1:])}"]), "license plate | licence plate | plate number | kennzeichen | immatriculation | matricula | targa | kenteken", alone=False),
        "DRIVER_LICENCE": Personal(lambda r: r.choice([some(r, UPPER, 1) + some(r, DIGITS, 7), some(r, DIGITS, 9), some(r, UPPER, 5) + some(r, DIGITS, 6) + some(r, UPPER, 2)]), "driver license | drivers license number | driving licence number | dl number | führerscheinnummer | permis de conduire | patente", alone=False),
        "US_PASSPORT": Personal(lambda r: r.choice([some(r, DIGITS, 9), r.choice(UPPER) + some(r, DIGITS, 8), some(r, DIGITS, 8)]), "passport | passport number | passport no | us passport | reisepass | numero de pasaporte | passeport | passaporto | paszport", alone=False),
        "PASSPORT_MRZ": Personal(mrz, "mrz | passport mrz | machine readable zone | mrz line2"),
        "USERNAME": Personal(lambda r: some(r, "abcdefghijklmnopqrstuvwxyz", r.randint(5, 9)) + str(r.randint(1, 99)), "username | login | user name | screen name | benutzername | nom utilisateur", alone=False, strange=True),
        "CREDIT_CARD": Personal(credit_card, "cc | card number | card no | pan | credit card | primary account number | kreditkarte | numero de tarjeta | cc number | kreditkartennummer | numero carte | carta di credito | card"),
        "CVV": Personal(lambda r: digits(r, r.choice([3, 3, 3, 4])), "cvv | cvc | cvv2 | security code | card security code | cid | kartenprüfnummer | card verification value", alone=False),
        "CARD_EXPIRY": Personal(lambda r: f"{r.randint(1, 12):02}/{r.randint(26, 34)}", "card expiry | expiry date | exp date | card expiration | cc exp", alone=False, strange=True),
        "TRACK1": Personal(track1, "track1 | magstripe | track data | track 1"),
        "TRACK2": Personal(track2, "track2 | magstripe | track | track 2 data"),
        "IBAN": Personal(iban, "iban | account | bank account | iban number | kontonummer | compte bancaire | cuenta bancaria | conto corrente | rekeningnummer | payee iban"),
        "BIC": Personal(bic, "bic | swift | swift code | bic code | swift bic"),
        "US_ABA": Personal(us_aba, "aba | routing number | aba routing | routing no | bank routing number | rtn", alone=False),
        "US_ACCOUNT": Personal(lambda r: digits(r, r.randint(8, 12), DIGITS[1:]), "account number | bank account number | checking account number | acct number | account no", alone=False),
        "SEPA_CREDITOR": Personal(sepa_creditor, "creditor id | sepa creditor identifier | gläubiger id | creditor identifier"),
        "BTC_ADDRESS": Personal(bitcoin, "btc | wallet | bitcoin address | btc address | wallet address | payout address"),
        "ETH_ADDRESS": Personal(ethereum, "eth | wallet | ethereum address | eth address | wallet address"),
        "US_SSN": Personal(us_ssn, "ssn | social security number | taxpayer id | social security | ssn number | applicant ssn | employee ssn"),
        "US_ITIN": Personal(us_itin, "itin | tax id | taxpayer identification number | individual taxpayer number"),
        "US_EIN": Personal(lambda r: f"{r.choice([10, 20, 26, 33, 47, 58, 71, 83, 94])}-{some(r, DIGITS, 7)}", "ein | employer identification number | federal tax id | fein", alone=False),
        "US_NPI": Personal(us_npi, "npi | provider npi | national provider identifier | npi number | prescriber npi"),
        "US_DEA": Personal(us_dea, "dea | dea number | dea registration | prescriber dea"),
        "US_MBI": Personal(us_mbi, "mbi | medicare beneficiary identifier | medicare id | medicare number | beneficiary id"),
        "MRN": Personal(lambda r: f"MRN-{some(r, DIGITS, 8)}", "mrn | medical record number | patient mrn | medical record no | chart number"),
        "MRN_BARE": Personal(lambda r: digits(r, r.randint(6, 9), DIGITS[1:]), "mrn | medical record number | patient mrn", alone=False),
        "HEALTH_PLAN": Personal(lambda r: some(r, UPPER, 3) + some(r, DIGITS, 9), "health plan id | member id | insurance id | health insurance number | policy holder id | versichertennummer", alone=False, strange=True),
        "ICD10": Personal(lambda r: f"{r.choice('ABCDEFGHIJKLMNEFGZ')}{some(r, DIGITS, 2)}.{r.choice(DIGITS)}", "icd10 | diagnosis code | icd | diagnosis", alone=False, strange=True),
        "CA_SIN": Personal(ca_sin, "sin | social insurance number | nas | numero assurance sociale"),
        "MX_CURP": Personal(mx_curp, "curp | clave unica"),
        "MX_RFC": Personal(mx_rfc, "rfc | registro federal de contribuyentes"),
        "BR_CPF": Personal(br_cpf, "cpf | documento | cpf cliente | numero cpf"),
        "BR_CNPJ": Personal(br_cnpj, "cnpj | cnpj empresa | cadastro nacional"),
        "AR_CUIT": Personal(ar_cuit, "cuit | cuil"),
        "CL_RUT": Personal(cl_rut, "rut | run | rut cliente"),
        "CO_NIT": Personal(co_nit, "nit | numero de identificacion tributaria", alone=False),
        "CO_CEDULA": Personal(lambda r: digits(r, r.choice([8, 10]), "1"), "cedula | cedula de ciudadania | numero de cedula", alone=False),
        "UK_NINO": Personal(uk_nino, "nino | national insurance | national insurance number | ni number"),
        "UK_NHS": Personal(uk_nhs, "nhs | nhs number | nhs no | patient nhs"),
        "UK_UTR": Personal(uk_utr, "utr | unique taxpayer reference | utr number"),
        "IE_PPS": Personal(ie_pps, "pps | pps number | ppsn"),
        "DE_STEUER_ID": Personal(de_tax_id, "steuer id | steuerliche identifikationsnummer | idnr | steueridentifikationsnummer | tax identification number | steuer identnummer"),
        "DE_RVNR": Personal(de_pension, "rentenversicherungsnummer | rvnr | sozialversicherungsnummer | sv nummer | svnr"),
        "FR_NIR": Personal(fr_nir, "nir | numero secu | numero de securite sociale | secu | numero securite sociale"),
        "FR_SPI": Personal(fr_spi, "spi | numero fiscal | numero spi"),
        "ES_DNI": Personal(es_dni, "dni | nif | numero de dni | documento nacional"),
        "ES_NIE": Personal(es_nie, "nie | numero de extranjero | nie extranjero"),
        "ES_NUSS": Personal(es_nuss, "nuss | numero de seguridad social | seguridad social"),
        "IT_CF": Personal(it_fiscal_code, "cf | codice fiscale | codicefiscale | cod fiscale"),
        "IT_PIVA": Personal(it_vat, "partita iva | piva | p iva"),
        "PT_NIF": Personal(pt_nif, "nif | contribuinte | numero de contribuinte"),
        "NL_BSN": Personal(nl_bsn, "bsn | burgerservicenummer | sofinummer"),
        "BE_NRN": Personal(be_nrn, "rijksregisternummer | nrn | numero national | niss | insz"),
        "CH_AHV": Personal(ch_ahv, "ahv | ahv nummer | avs | numero avs | ahvnr"),
        "AT_SVNR": Personal(at_svnr, "svnr | sozialversicherungsnummer | sv nummer"),
        "GR_AMKA": Personal(gr_amka, "amka | αμκα"),
        "SE_PERSONNUMMER": Personal(se_personnummer, "personnummer | person nr | pnr | samordningsnummer"),
        "FI_HETU": Personal(fi_hetu, "hetu | henkilotunnus | henkilötunnus"),
        "DK_CPR": Personal(dk_cpr, "cpr | cpr nummer | personnummer | cprnr"),
        "NO_FNR": Personal(no_fnr, "fnr | fodselsnummer | fødselsnummer | personnummer"),
        "PL_PESEL": Personal(pl_pesel, "pesel | numer pesel | nr pesel"),
        "PL_NIP": Personal(pl_nip, "nip | numer nip"),
        "CZ_RC": Personal(cz_birth_number, "rodne cislo | rodné číslo | rc"),
        "RO_CNP": Personal(ro_cnp, "cnp | cod numeric personal"),
        "BG_EGN": Personal(bg_egn, "egn | егн"),
        "HU_TAJ": Personal(hu_taj, "taj | taj szam | tajszam"),
        "HU_TAX_ID": Personal(hu_tax_id, "adoazonosito | adóazonosító jel | adoazonosito jel", alone=False),
        "EE_IK": Personal(baltic, "isikukood | asmens kodas"),
        "LV_PK": Personal(lv_code, "personas kods | pk kods"),
        "TR_TCKN": Personal(tr_tckn, "tckn | tc kimlik | tc kimlik no | kimlik no"),
        "IL_ID": Personal(il_id, "teudat zehut | tz | israeli id | mispar zehut | תעודת זהות"),
        "ZA_ID": Personal(za_id, "za id | id number | sa id number | south african id"),
        "NG_NIN": Personal(lambda r: digits(r, 11, DIGITS[1:]), "nin | national identification number | bvn | bank verification number", alone=False),
        "IN_AADHAAR": Personal(in_aadhaar, "aadhaar | uidai | aadhaar number | aadhar | aadhar no"),
        "IN_PAN": Personal(in_pan, "pan | pan card | pan number | permanent account number"),
        "IN_GSTIN": Personal(in_gstin, "gstin | gst number | gst no"),
        "JP_MY_NUMBER": Personal(jp_my_number, "my number | kojin bango | マイナンバー | 個人番号"),
        "KR_RRN": Personal(kr_rrn, "rrn | jumin | jumin number | 주민등록번호 | resident registration number"),
        "CN_RESIDENT_ID": Personal(cn_resident_id, "id card | shenfenzheng | id card no | 身份证号 | identity card number"),
        "TW_ID": Personal(tw_id, "tw id | 身分證字號 | national id"),
        "HK_ID": Personal(hk_id, "hkid | hkid number | 身份證號碼"),
        "SG_NRIC": Personal(sg_nric, "nric | fin | nric fin | nric number"),
        "TH_ID": Personal(th_id, "thai id | เลขประจำตัวประชาชน | citizen id"),
        "MY_KAD": Personal(my_kad, "mykad | ic number | nric no | no kad pengenalan"),
        "ID_NIK": Personal(id_nik, "nik | nomor ktp | no ktp | ktp", alone=False),
        "AU_TFN": Personal(au_tfn, "tfn | tax file number | tax file no"),
        "AU_MEDICARE": Personal(au_medicare, "medicare | medicare number | medicare card | medicare no"),
        "AU_ABN": Personal(au_abn, "abn | australian business number", alone=False),
        "NZ_IRD": Personal(nz_ird, "ird | ird number"),
    }  # fmt: skip
