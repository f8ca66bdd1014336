"""Made-up secrets in the shapes that their vendors document. None of them ever worked; where a token carries a checksum, it is wrong
in most."""
import base64
import json
import zlib

from personal_values import BASE36, DIGITS, UPPER, some

LOWER = UPPER.lower()
HEX = "0123456789abcdef"
BASE62 = DIGITS + UPPER + LOWER
URL = BASE62 + "-_"
BASE64 = BASE62 + "+/"


class Secret:
    """How values of a type come to be: made by `make`, named by one of `names` (in words), told by their form `alone` or not."""

    def __init__(self, make, names, alone=True, strange=False):
        self.make, self.names, self.alone, self.kind, self.strange = make, names.split(" | "), alone, "secret", strange


def shape(*parts):
    """A maker of literals and runs: a run is an alphabet and a length, or the least and greatest length."""

    def make(r):
        text = ""
        for part in parts:
            if isinstance(part, str):
                text += part
            elif isinstance(part, list):
                text += r.choice(part)
            else:
                alphabet, *length = part
                text += some(r, alphabet, r.randint(length[0], length[-1]))
        return text

    return make


def github(r):
    prefix = r.choice(["ghp_", "gho_", "ghu_", "ghs_", "ghr_"])
    body = some(r, BASE62, 30)
    check, number = "", zlib.crc32(body.encode())
    for _ in range(6):
        number, digit = divmod(number, 62)
        check = BASE62[digit] + check
    return prefix + body + (check if r.random() < 0.2 else some(r, BASE62, 6))


def unpadded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(r):
    head = {"alg": r.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"}
    claims = {"sub": str(r.randint(1, 10**9)), "iat": r.randint(1_600_000_000, 1_800_000_000), "scope": r.choice(["read", "read write", "admin"])}
    return ".".join([unpadded(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims)] + [unpadded(r.randbytes(r.choice([32, 64, 256])))])


def jwe(r):
    head = json.dumps({"alg": "RSA-OAEP", "enc": "A256GCM"}, separators=(",", ":")).encode()
    return ".".join([unpadded(head)] + [unpadded(r.randbytes(size)) for size in (256, 12, r.randint(40, 200), 16)])


def private_key(r):
    kind = r.choice(["RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED ", "DSA "])
    lines = "\n".join(some(r, BASE64, 64) for _ in range(r.randint(3, 20)))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def pgp_key(r):
    lines = "\n".join(some(r, BASE64, 64) for _ in range(r.randint(3, 10)))
    return f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{lines}\n={some(r, BASE64, 4)}\n-----END PGP PRIVATE KEY BLOCK-----"


def password(r):
    stem = r.choice(["Winter", "correct-horse", "Zx9!", "Passw0rd", "S3cr3t", "letmein", "Dragon", "m0nkey", "Qwertz", "Katze", "azerty"])
    return stem + r.choice("!#*?_-+.") + some(r, BASE62 + "!#*?", r.randint(2, 9))


def basic(r):
    return "Basic " + base64.b64encode(f"{some(r, LOWER, 6)}:{password(r)}".encode()).decode()


def url_with_password(r):
    scheme, port = r.choice([("postgres", 5432), ("postgresql", 5432), ("mysql", 3306), ("mongodb+srv", 27017), ("redis", 6379), ("amqps", 5671), ("https", 8443), ("ftp", 21)])
    return f"{scheme}://{some(r, LOWER, 5)}:{some(r, BASE62, r.randint(10, 18))}@{r.choice(['db', 'cache', 'queue', 'git'])}.prod.example.net:{port}/{r.choice(['main', 'app', '0'])}"


def secret_values():
    """All types of secrets."""
    word = "api key | token | access token | auth token | secret"
    return {
        "AWS_ACCESS_KEY_ID": Secret(shape(["AKIA", "ASIA", "ABIA", "ACCA"], (UPPER + "234567", 16)), "aws access key id | access key id | aws access key"),
        "AWS_SECRET_KEY": Secret(shape((BASE64, 40)), "aws secret access key | secret access key | aws secret key | aws secret", alone=False),
        "AWS_MWS": Secret(lambda r: "amzn.mws." + "-".join(r.randbytes(size).hex() for size in (4, 2, 2, 2, 6)), "mws auth token | amazon mws token"),
        "AWS_BEDROCK": Secret(shape("ABSK", (BASE64, 110, 130)), "bedrock api key | aws bearer token bedrock"),
        "GITHUB_TOKEN": Secret(github, "github token | gh token | github pat | github access token"),
        "GITHUB_FINE_PAT": Secret(shape("github_pat_", (BASE62, 22), "_", (BASE62, 59)), "github token | github pat"),
        "GITLAB_PAT": Secret(shape(["glpat-", "gldt-", "glrt-", "glptt-", "glsoat-", "glft-", "glimt-", "glagent-"], (URL, 20)), "gitlab token | private token | job token"),
        "SLACK_TOKEN": Secret(shape(["xoxb-", "xoxp-", "xoxa-2-", "xoxr-", "xoxs-"], (DIGITS, 11), "-", (DIGITS, 12), "-", (BASE62, 24)), "slack token | slack bot token | token"),
        "SLACK_APP": Secret(shape("xapp-1-A", (BASE36, 10), "-", (DIGITS, 13), "-", (HEX, 64)), "slack app token | app token"),
        "SLACK_WEBHOOK": Secret(shape("https://hooks.slack.com/services/T", (BASE36, 8, 10), "/B", (BASE36, 8, 10), "/", (BASE62, 24)), "webhook url | slack webhook | incoming webhook"),
        "DISCORD_BOT": Secret(shape(["M", "N", "O"], (BASE62, 23, 25), ".", (URL, 6), ".", (URL, 27, 38)), "discord token | bot token"),
        "DISCORD_WEBHOOK": Secret(shape("https://discord.com/api/webhooks/", (DIGITS, 18, 19), "/", (URL, 68)), "webhook url | discord webhook"),
        "TELEGRAM_BOT": Secret(shape((DIGITS[1:], 1), (DIGITS, 8, 9), ":AA", (URL, 33)), "bot token | telegram token | telegram bot token"),
        "STRIPE_KEY": Secret(shape(["sk_live_", "rk_live_", "sk_test_", "rk_test_"], (BASE62, 24, 99)), "stripe key | stripe secret key | api key"),
        "STRIPE_WHSEC": Secret(shape("whsec_", (BASE62, 32)), "signing secret | webhook secret | stripe webhook secret"),
        "SQUARE": Secret(lambda r: r.choice([shape("sq0atp-", (URL, 22)), shape("sq0csp-", (URL, 43)), shape("EAAA", (URL, 60))])(r), "square token | square access token"),
        "BRAINTREE": Secret(shape("access_token$", ["production", "sandbox"], "$", (HEX, 16), "$", (HEX, 32)), "braintree token | paypal token"),
        "SHOPIFY": Secret(shape(["shpat_", "shpss_", "shpca_", "shppa_"], (HEX, 32)), "shopify token | x-shopify-access-token | shopify access token"),
        "TWILIO_SID": Secret(shape("AC", (HEX, 32)), "account sid | twilio account sid"),
        "TWILIO_API_KEY": Secret(shape("SK", (HEX, 32)), "twilio key | twilio api key"),
        "SENDGRID_KEY": Secret(shape("SG.", (URL, 22), ".", (URL, 43)), "sendgrid key | sendgrid api key"),
        "MAILGUN": Secret(lambda r: r.choice([shape("key-", (HEX, 32)), shape((HEX, 32), "-", (HEX, 8), "-", (HEX, 8))])(r), "mailgun key | mailgun api key"),
        "MAILCHIMP": Secret(shape((HEX, 32), "-us", (DIGITS[1:], 1), ["", "1", "0"]), "mailchimp key | mailchimp api key"),
        "POSTMARK": Secret(lambda r: "-".join(r.randbytes(size).hex() for size in (4, 2, 2, 2, 6)), "postmark server token | x-postmark-server-token | postmark token", alone=False),
        "BREVO": Secret(shape("xkeysib-", (HEX, 64), "-", (BASE62, 16)), "brevo key | sendinblue api key"),
        "GOOGLE_API_KEY": Secret(shape("AIza", (URL, 35)), "google api key | key | maps api key"),
        "GOOGLE_OAUTH_SECRET": Secret(shape("GOCSPX-", (URL, 28)), "client secret | google client secret"),
        "GOOGLE_ACCESS": Secret(shape("ya29.", (URL, 60, 150)), "access token | google access token"),
        "GOOGLE_KEY_ID": Secret(shape((HEX, 40)), "private key id", alone=False, strange=True),
        "FIREBASE_FCM": Secret(shape("AAAA", (URL, 7), ":", (URL, 140)), "fcm key | fcm server key | firebase server key"),
        "OPENAI_KEY": Secret(lambda r: r.choice([shape("sk-", (BASE62, 20), "T3BlbkFJ", (BASE62, 20)), shape(["sk-proj-", "sk-svcacct-", "sk-admin-"], (URL, 58, 74), "T3BlbkFJ", (URL, 58, 74))])(r), "openai api key | openai key"),
        "ANTHROPIC_KEY": Secret(shape(["sk-ant-api03-", "sk-ant-admin01-"], (URL, 93), "AA"), "anthropic api key | x-api-key"),
        "HUGGINGFACE": Secret(shape("hf_", (UPPER + LOWER, 34)), "hf token | huggingface token"),
        "COHERE": Secret(shape((BASE62, 40)), "cohere api key | co api key", alone=False),
        "REPLICATE": Secret(shape("r8_", (BASE62, 37)), "replicate api token | replicate token"),
        "GROQ": Secret(shape("gsk_", (BASE62, 52)), "groq api key"),
        "PERPLEXITY": Secret(shape("pplx-", (BASE62, 48)), "perplexity api key | pplx key"),
        "AZURE_STORAGE_KEY": Secret(shape("DefaultEndpointsProtocol=https;AccountName=", (LOWER, 8), ";AccountKey=", (BASE64, 86), "==", ["", ";EndpointSuffix=core.windows.net"]), "connection string | azure storage connection string"),
        "AZURE_AD_SECRET": Secret(shape((BASE62, 3), (DIGITS, 1), "Q~", (URL, 31, 34)), "client secret | azure client secret"),
        "AZURE_SAS": Secret(lambda r: f"https://{some(r, LOWER, 8)}.blob.core.windows.net/box/a.txt?sv=2022-11-02&sr=b&se=2026-12-31&sp=r&sig={some(r, BASE62, 43)}%3D", "sas url | sas token", strange=True),
        "AZURE_DEVOPS": Secret(shape((BASE62, 76), "AZDO", (BASE62, 4)), "azure devops pat | system accesstoken"),
        "DIGITALOCEAN": Secret(shape(["dop_v1_", "doo_v1_", "dor_v1_"], (HEX, 64)), "do token | digitalocean token"),
        "HEROKU": Secret(lambda r: "HRKU-" + "-".join(r.randbytes(size).hex() for size in (4, 2, 2, 2, 6)), "heroku api key | heroku token"),
        "CLOUDFLARE": Secret(shape((URL, 40)), "cloudflare api token | cf api token | cloudflare token", alone=False),
        "FASTLY": Secret(shape((URL, 32)), "fastly key | fastly api token | fastly-key", alone=False),
        "DATABRICKS": Secret(shape("dapi", (HEX, 32), ["", "-2"]), "databricks token"),
        "VAULT_TOKEN": Secret(shape(["hvs.", "hvb.", "hvr."], (URL, 90, 120)), "vault token | x-vault-token"),
        "TERRAFORM_CLOUD": Secret(shape((BASE62, 14), ".atlasv1.", (URL, 60, 70)), "tfe token | terraform token"),
        "PULUMI": Secret(shape("pul-", (HEX, 40)), "pulumi access token | pulumi token"),
        "DOPPLER": Secret(shape("dp.pt.", (BASE62, 43)), "doppler token"),
        "ONEPASSWORD": Secret(shape("ops_eyJ", (BASE64, 250, 300)), "op service account token"),
        "DOCKER_PAT": Secret(shape(["dckr_pat_", "dckr_oat_"], (URL, 27)), "docker password | dockerhub token"),
        "NPM_TOKEN": Secret(shape("npm_", (BASE62, 36)), "auth token | npm token"),
        "PYPI_TOKEN": Secret(shape("pypi-AgEIcHlwaS5vcmc", (URL, 70, 150)), "pypi token | twine password"),
        "RUBYGEMS": Secret(shape("rubygems_", (HEX, 48)), "rubygems api key | gem host api key"),
        "NUGET": Secret(shape("oy2", (LOWER + DIGITS, 43)), "nuget api key | x-nuget-apikey"),
        "CARGO": Secret(shape("cio", (BASE62, 32)), "cargo registry token"),
        "ATLASSIAN": Secret(shape("ATATT3xFfGF0", (URL, 171), "=", (HEX.upper(), 8)), "atlassian token | jira token | jira api token"),
        "LINEAR": Secret(shape("lin_api_", (BASE62, 40)), "linear key | linear api key"),
        "NOTION": Secret(shape(["ntn_", "secret_"], (BASE62, 43)), "notion token | notion api key"),
        "FIGMA": Secret(shape("figd_", (URL, 40)), "figma token | x-figma-token"),
        "AIRTABLE": Secret(shape("pat", (BASE62, 14), ".", (HEX, 64)), "airtable token | airtable pat"),
        "DATADOG": Secret(shape((HEX, 32)), "dd api key | datadog api key", alone=False),
        "DATADOG_APP": Secret(shape((HEX, 40)), "dd application key | datadog app key", alone=False),
        "NEW_RELIC": Secret(shape("NRAK-", (BASE36, 27)), "newrelic key | new relic api key"),
        "GRAFANA_SA": Secret(shape("glsa_", (BASE62, 32), "_", (HEX, 8)), "grafana token | grafana api key"),
        "GRAFANA_CLOUD": Secret(shape("glc_", (BASE62, 80, 120)), "grafana cloud token"),
        "SENTRY": Secret(lambda r: r.choice([shape("sntryu_", (HEX, 64)), shape("sntrys_eyJ", (BASE64, 120, 160), "_", (BASE64, 43))])(r), "sentry auth token | sentry token"),
        "PAGERDUTY": Secret(shape("u+", (URL, 18)), "pagerduty api key | pagerduty token", alone=False),
        "POSTMAN": Secret(shape("PMAK-", (HEX, 24), "-", (HEX, 34)), "postman key | postman api key"),
        "SUPABASE": Secret(shape("sbp_", (HEX, 40)), "supabase token | supabase access token"),
        "PLANETSCALE": Secret(shape(["pscale_pw_", "pscale_tkn_", "pscale_oauth_"], (URL, 43)), "planetscale password | planetscale token"),
        "OKTA": Secret(shape("00", (URL, 40)), "okta token | okta api token", alone=False),
        "JWT": Secret(jwt, "jwt | id token | access token | token | session token"),
        "JWE": Secret(jwe, "id token | token | encrypted token"),
        "PRIVATE_KEY": Secret(private_key, "private key | pem | ssh key | rsa private key | tls key"),
        "PGP_KEY": Secret(pgp_key, "pgp private key | private key | gpg key"),
        "AGE_KEY": Secret(shape("AGE-SECRET-KEY-1", ("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)), "age key | sops age key"),
        "BASIC_AUTH": Secret(basic, "authorization | proxy authorization"),
        "BEARER_OPAQUE": Secret(shape("Bearer ", (URL, 30, 50)), "authorization | auth header"),
        "DIGEST_AUTH": Secret(lambda r: f'Digest username="{some(r, LOWER, 6)}", realm="api", nonce="{some(r, HEX, 32)}", uri="/a", response="{some(r, HEX, 32)}"', "authorization", alone=False),
        "URL_PASSWORD": Secret(url_with_password, "dsn | database url | connection url | redis url | db url"),
        "API_KEY": Secret(shape((URL, 24, 40)), "api key | x-api-key | apikey | app key | access key | subscription key | clé api | api secret", alone=False),
        "ACCESS_TOKEN": Secret(shape((URL, 30, 60)), "access token | auth token | bearer token | x-auth-token | user token", alone=False),
        "REFRESH_TOKEN": Secret(shape((URL, 40, 80)), "refresh token | oauth refresh token", alone=False),
        "CSRF_TOKEN": Secret(shape((URL, 32)), "csrf token | x-csrf-token | xsrf token | csrfmiddlewaretoken | authenticity token", alone=False),
        "CLIENT_SECRET": Secret(shape((URL, 32, 48)), "client secret | app secret | consumer secret | shared secret | secret key", alone=False),
        "OAUTH_CODE": Secret(shape("4/0A", (URL, 60)), "auth code | code | authorization code", alone=False),
        "CODE_VERIFIER": Secret(shape((URL, 43, 64)), "code verifier", alone=False),
        "PASSWORD": Secret(password, "password | passwd | pwd | new password | old password | passwort | kennwort | contraseña | mot de passe | senha | heslo | hasło | wachtwoord | lösenord | user password | db password | passphrase | salasana | parola | şifre", alone=False),
        "SESSION_COOKIE": Secret(shape((URL, 26, 48)), "sessionid | sid | session id | phpsessid | jsessionid | connect.sid | laravel session | auth session", alone=False),
        "OTP": Secret(shape((DIGITS, 6)), "otp | one time password | verification code | mfa code | totp code | 2fa code", alone=False),
        "TOTP_SECRET": Secret(shape("otpauth://totp/Shop:", (LOWER, 6), "?secret=", (UPPER + "234567", 32), "&issuer=Shop"), "otp uri | totp uri"),
        "HMAC_SIGNATURE": Secret(shape("sha256=", (HEX, 64)), "x-hub-signature-256", alone=False),
        "STRIPE_SIGNATURE": Secret(shape("t=17", (DIGITS, 8), ",v1=", (HEX, 64)), "stripe-signature", alone=False),
        "PIN": Secret(shape((DIGITS, 4)), "pin | pin code | card pin", alone=False),
    }  # fmt: skip
