"""Secrets that were never anybody's: made at run time, so that none stands in the repository.

Every kind has the prefix, the alphabet and the length that its provider gives it; the rest is drawn from a
seeded generator, so that a failure can be repeated.
"""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable

_ALNUM = string.ascii_letters + string.digits
_BASE64URL = _ALNUM + "_-"
_HEX = "0123456789abcdef"

_DRAW = random.Random(20260101)


def begin_anew(test: str) -> None:
    """Draw for one test what is drawn for it in every run."""
    _DRAW.seed(test)


def _draw(alphabet: str, length: int) -> str:
    return (
        "".join(_DRAW.choice(alphabet) for _ in range(length - 2)) + "7" + _DRAW.choice(_ALNUM.upper()[:26])
    )


def _letters(length: int) -> str:
    return "".join(_DRAW.choice(string.ascii_letters) for _ in range(length))


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _jwt() -> str:
    parts = _base64url('{"alg":"HS256","typ":"JWT"}'), _base64url('{"sub":"1234567890","name":"Ada"}')
    return ".".join([*parts, _draw(_BASE64URL, 43)])


def _pem(kind: str, lines: int) -> str:
    body = "\n".join(_draw(_ALNUM + "+/", 64) for _ in range(lines))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def _hex(length: int) -> str:
    return "".join(_DRAW.choice(_HEX) for _ in range(length - 2)) + "7c"


def _digits(length: int) -> str:
    return str(_DRAW.randrange(10 ** (length - 1), 10**length))


def _uuid() -> str:
    return "-".join(_hex(length) for length in (8, 4, 4, 4, 12))


def _upper(length: int) -> str:
    return _draw(string.ascii_uppercase + string.digits, length)


def _base32(length: int) -> str:
    """Characters of the identifiers of AWS keys."""
    return "".join(_DRAW.choice(string.ascii_uppercase + "234567") for _ in range(length))


def _lower(length: int) -> str:
    return _draw(string.ascii_lowercase + string.digits, length).lower()


def _in_base64(block: str) -> str:
    return base64.b64encode(block.encode()).decode()


def putty_lines() -> str:
    """Draw the private lines of a key file of PuTTY."""
    return "\n".join(_draw(_ALNUM + "+/", 64) for _ in range(14))


KINDS: dict[str, Callable[[], str]] = {
    "openai": lambda: "sk-" + _draw(_ALNUM, 48),
    "openai project": lambda: "sk-" + "proj-" + _draw(_BASE64URL, 156),
    "openai service account": lambda: "sk-" + "svcacct-" + _draw(_BASE64URL, 120),
    "openai admin": lambda: "sk-" + "admin-" + _draw(_BASE64URL, 120),
    "openrouter": lambda: "sk-" + "or-v1-" + _hex(64),
    "deepseek": lambda: "sk-" + _hex(32),
    "litellm": lambda: "sk-" + _draw(_BASE64URL, 22) + _draw(_ALNUM, 16),
    "langfuse": lambda: "sk-" + "lf-" + _uuid(),
    "anthropic": lambda: "sk-" + "ant-api03-" + _draw(_BASE64URL, 95),
    "anthropic admin": lambda: "sk-" + "ant-admin01-" + _draw(_BASE64URL, 95),
    "anthropic oauth": lambda: "sk-" + "ant-oat01-" + _draw(_BASE64URL, 95),
    "google": lambda: "AI" + "za" + _draw(_BASE64URL, 35),
    "google bound to an account": lambda: "A" + "Q.Ab8" + _draw(_ALNUM, 46),
    "google oauth access": lambda: "ya" + "29." + _draw(_BASE64URL, 160),
    "google oauth refresh": lambda: "1/" + "/0" + _draw(_BASE64URL, 100),
    "google oauth code": lambda: "4/" + "0A" + _draw(_BASE64URL, 70),
    "google oauth client": lambda: "GO" + "CSPX-" + _draw(_BASE64URL, 28),
    "aws access key id": lambda: "AK" + "IA" + _base32(16),
    "aws session key id": lambda: "AS" + "IA" + _base32(16),
    "aws bearer": lambda: "AB" + "IA" + _base32(16),
    "aws session token": lambda: "IQo" + "Jb3JpZ2luX2Vj" + _draw(_ALNUM + "+/", 400) + "==",
    "aws session token of old": lambda: "FwoG" + "ZXIvYXdzE" + _draw(_ALNUM + "+/", 300) + "=",
    "aws bedrock": lambda: "AB" + "SKQmVkcm9ja0FQSUtleS" + _draw(_ALNUM + "+/", 128),
    "aws bedrock for hours": lambda: (
        "bedrock-" + "api-key-YmVkcm9jay5hbWF6b25hd3MuY29t" + _draw(_ALNUM + "+/", 300)
    ),
    "azure client secret": lambda: _draw(_ALNUM, 3)[:3] + "8" + "Q~" + _draw(_BASE64URL + "~.", 34),
    "azure openai": lambda: _draw(_ALNUM, 52) + "JQQ" + "J99BAACYeBjFXJ3w3AAABACOG" + _letters(4)[:1] + "abc",
    "azure search": lambda: _draw(_ALNUM, 42) + "Az" + "SeA" + _letters(5),
    "azure devops": lambda: _draw(_ALNUM, 76) + "AZ" + "DO" + _letters(4),
    "azure storage": lambda: _draw(_ALNUM + "+/", 76) + "+A" + "St" + _letters(5) + "Q==",
    "azure functions": lambda: _draw(_BASE64URL, 44) + "Az" + "Fu" + _letters(5) + "w==",
    "azure registry": lambda: _draw(_ALNUM + "+/", 42) + "+A" + "CRD" + _letters(5),
    "github personal": lambda: "gh" + "p_" + _draw(_ALNUM, 36),
    "github oauth": lambda: "gh" + "o_" + _draw(_ALNUM, 36),
    "github user": lambda: "gh" + "u_" + _draw(_ALNUM, 36),
    "github server": lambda: "gh" + "s_" + _draw(_ALNUM, 36),
    "github refresh": lambda: "gh" + "r_" + _draw(_ALNUM, 76),
    "github fine-grained": lambda: "github" + "_pat_" + _draw(_ALNUM, 22) + "_" + _draw(_ALNUM, 59),
    "gitlab": lambda: "gl" + "pat-" + _draw(_BASE64URL, 20),
    "gitlab routable": lambda: "gl" + "pat-" + _draw(_BASE64URL, 27) + ".01." + _hex(9),
    "gitlab pipeline trigger": lambda: "gl" + "ptt-" + _hex(40),
    "gitlab deploy": lambda: "gl" + "dt-" + _draw(_BASE64URL, 20),
    "gitlab runner": lambda: "gl" + "rt-" + _draw(_BASE64URL, 20),
    "gitlab job": lambda: "gl" + "cbt-64_" + _draw(_BASE64URL, 20),
    "gitlab agent": lambda: "gl" + "agent-" + _draw(_BASE64URL, 50),
    "slack bot": lambda: "xo" + f"xb-{_digits(12)}-{_digits(13)}-" + _draw(_ALNUM, 24),
    "slack user": lambda: "xo" + f"xp-{_digits(12)}-{_digits(12)}-{_digits(13)}-" + _hex(32),
    "slack rotated": lambda: "xo" + "xe.xo" + "xb-1-" + _draw(_ALNUM, 160),
    "slack refresh": lambda: "xo" + "xe-1-" + _draw(_ALNUM, 146),
    "slack cookie": lambda: "xo" + "xd-" + _draw(_ALNUM, 80),
    "slack app": lambda: "xa" + f"pp-1-A{_upper(9)}-{_digits(13)}-" + _hex(64),
    "stripe secret": lambda: "sk" + "_live_" + _draw(_ALNUM, 24),
    "stripe secret of 2019": lambda: "sk" + "_live_51" + _draw(_ALNUM, 97),
    "stripe restricted": lambda: "rk" + "_live_" + _draw(_ALNUM, 99),
    "stripe test": lambda: "sk" + "_test_" + _draw(_ALNUM, 24),
    "stripe webhook": lambda: "wh" + "sec_" + _draw(_ALNUM, 32),
    "hugging face": lambda: "h" + "f_" + _letters(34),
    "hugging face organisation": lambda: "api" + "_org_" + _letters(34),
    "npm": lambda: "np" + "m_" + _draw(_ALNUM, 36),
    "pypi": lambda: "pyp" + "i-AgEI" + _draw(_BASE64URL, 150),
    "rubygems": lambda: "ruby" + "gems_" + _hex(48),
    "clojars": lambda: "CLO" + "JARS_" + _lower(60),
    "docker personal": lambda: "dckr" + "_pat_" + _draw(_BASE64URL, 27),
    "docker organisation": lambda: "dckr" + "_oat_" + _draw(_BASE64URL, 32),
    "artifactory": lambda: "AK" + "Cp" + _draw(_ALNUM, 69),
    "twilio": lambda: "S" + "K" + _hex(32),
    "sendgrid": lambda: "S" + "G." + _draw(_BASE64URL, 22) + "." + _draw(_BASE64URL, 43),
    "mailgun": lambda: "ke" + "y-" + _hex(32),
    "mailchimp": lambda: _hex(32) + "-u" + "s14",
    "brevo": lambda: "xkey" + "sib-" + _hex(64) + "-" + _draw(_ALNUM, 16),
    "resend": lambda: "r" + "e_" + _draw(_ALNUM, 8) + "_" + _draw(_ALNUM, 24),
    "digitalocean": lambda: "do" + "p_v1_" + _hex(64),
    "digitalocean oauth": lambda: "do" + "o_v1_" + _hex(64),
    "cloudflare": lambda: "cf" + "ut_" + _draw(_ALNUM, 48),
    "cloudflare origin": lambda: "v1" + ".0-" + _hex(24) + "-" + _hex(146),
    "heroku": lambda: "HR" + "KU-" + _uuid(),
    "heroku of 2024": lambda: "HR" + "KU-AA" + _draw(_BASE64URL, 58),
    "netlify": lambda: "nf" + "p_" + _draw(_ALNUM, 36),
    "vercel": lambda: "vc" + "p_" + _draw(_ALNUM, 56),
    "vercel blob": lambda: "vercel" + "_blob_rw_" + _draw(_ALNUM, 16) + "_" + _draw(_ALNUM, 30),
    "render": lambda: "rn" + "d_" + _draw(_ALNUM, 28),
    "fly": lambda: "fm" + "2_lJPECAAAAAAAAB" + _draw(_ALNUM + "+/", 200),
    "fly of old": lambda: "fo" + "1_" + _draw(_BASE64URL, 43),
    "scalingo": lambda: "tk" + "-us-" + _draw(_BASE64URL, 48),
    "tailscale": lambda: "ts" + "key-auth-" + _draw(_ALNUM, 12) + "-" + _draw(_ALNUM, 32),
    "terraform cloud": lambda: _draw(_ALNUM, 14) + ".atlas" + "v1." + _draw(_ALNUM, 67),
    "vault": lambda: "hv" + "s." + _draw(_BASE64URL, 95),
    "vault batch": lambda: "hv" + "b." + _draw(_BASE64URL, 140),
    "doppler": lambda: "dp" + ".pt." + _draw(_ALNUM, 43),
    "doppler service": lambda: "dp" + ".st.prd." + _draw(_ALNUM, 43),
    "infisical": lambda: "s" + "t." + _hex(24) + "." + _hex(32) + "." + _hex(32),
    "pulumi": lambda: "pu" + "l-" + _hex(40),
    "infracost": lambda: "ic" + "o-" + _draw(_ALNUM, 32),
    "harness": lambda: "pa" + "t." + _draw(_BASE64URL, 22) + "." + _hex(24) + "." + _draw(_ALNUM, 20),
    "octopus deploy": lambda: "AP" + "I-" + _upper(26),
    "circleci": lambda: "CC" + "IPAT_" + _draw(_ALNUM, 22) + "_" + _hex(40),
    "buildkite": lambda: "bk" + "ua_" + _hex(40),
    "sonarqube": lambda: "sq" + "u_" + _hex(40),
    "snyk": lambda: (
        "snyk" + "_uat." + _hex(8) + "." + _base64url('{"jti":"' + _uuid() + '"}') + "." + _draw(_ALNUM, 86)
    ),
    "sourcegraph": lambda: "sg" + "p_" + _hex(16) + "_" + _hex(40),
    "launchdarkly": lambda: "sd" + "k-" + _uuid(),
    "prefect": lambda: "pn" + "u_" + _draw(_ALNUM, 36),
    "databricks": lambda: "da" + "pi" + _hex(32),
    "databricks of an account": lambda: "da" + "pi" + _hex(32) + "-2",
    "grafana service account": lambda: "gl" + "sa_" + _draw(_ALNUM, 32) + "_" + _hex(8),
    "grafana cloud": lambda: "gl" + "c_eyJvIjoiMTIzNDU2" + _draw(_ALNUM + "+/", 120),
    "sentry organisation": lambda: (
        "sn" + "trys_" + _base64url('{"iat":1700000000.1,"org":"acme"}') + "_" + _draw(_ALNUM, 43)
    ),
    "sentry user": lambda: "sn" + "tryu_" + _hex(64),
    "new relic user": lambda: "NR" + "AK-" + _upper(27),
    "new relic insert": lambda: "NR" + "II-" + _draw(_BASE64URL, 32),
    "new relic browser": lambda: "NR" + "JS-" + _hex(19),
    "dynatrace": lambda: "dt" + "0c01." + _upper(24) + "." + _upper(64),
    "posthog": lambda: "ph" + "x_" + _draw(_ALNUM, 43),
    "shopify": lambda: "shp" + "at_" + _hex(32),
    "shopify shared": lambda: "shp" + "ss_" + _hex(32),
    "square": lambda: "sq" + "0csp-" + _draw(_BASE64URL, 43),
    "square access": lambda: "EA" + "AA" + _draw(_BASE64URL, 60),
    "facebook": lambda: "EA" + "ACE" + _draw(_ALNUM, 180),
    "easypost": lambda: "EZ" + "AK" + _draw(_ALNUM, 54),
    "shippo": lambda: "shippo" + "_live_" + _hex(40),
    "lob": lambda: "li" + "ve_" + _hex(35),
    "duffel": lambda: "duffel" + "_test_" + _draw(_BASE64URL, 43),
    "plaid": lambda: "access" + "-sandbox-" + _uuid(),
    "razorpay": lambda: "rzp" + "_live_" + _draw(_ALNUM, 14),
    "flutterwave": lambda: "FLW" + "SECK_TEST-" + _hex(32) + "-X",
    "paddle": lambda: "pdl" + "_live_apikey_" + _lower(26) + "_" + _draw(_ALNUM, 22) + "_" + _draw(_ALNUM, 3),
    "airtable": lambda: "pa" + "t" + _draw(_ALNUM, 14) + "." + _hex(64),
    "linear": lambda: "lin" + "_api_" + _draw(_ALNUM, 40),
    "notion": lambda: "nt" + "n_" + _digits(11) + _draw(_ALNUM, 35),
    "notion of old": lambda: "sec" + "ret_" + _draw(_ALNUM, 43),
    "figma": lambda: "fi" + "gd_" + _draw(_BASE64URL, 40),
    "frame.io": lambda: "fi" + "o-u-" + _draw(_BASE64URL, 64),
    "adobe": lambda: "p8" + "e-" + _draw(_ALNUM, 32),
    "contentful": lambda: "CF" + "PAT-" + _draw(_BASE64URL, 43),
    "typeform": lambda: "tf" + "p_" + _draw(_BASE64URL, 20) + "." + _draw(_BASE64URL, 38),
    "readme": lambda: "rd" + "me_" + _lower(70),
    "hubspot": lambda: "pa" + "t-na1-" + _uuid(),
    "mapbox": lambda: (
        "s" + "k." + _base64url('{"u":"ada","a":"' + _lower(25) + '"}') + "." + _draw(_BASE64URL, 22)
    ),
    "maxmind": lambda: _draw(_ALNUM, 6) + "_" + _draw(_ALNUM, 29) + "_m" + "mk",
    "atlassian": lambda: "AT" + "ATT3xFf" + _draw(_BASE64URL + "=", 180),
    "bitbucket": lambda: "AT" + "BB" + _draw(_ALNUM, 32),
    "trello": lambda: "AT" + "TA" + _hex(64),
    "jetbrains": lambda: (
        "pe" + "rm-" + _draw(_ALNUM, 12) + "=." + _draw(_ALNUM, 10) + "==." + _draw(_ALNUM, 30)
    ),
    "postman": lambda: "PM" + "AK-" + _hex(24) + "-" + _hex(34),
    "planetscale": lambda: "pscale" + "_tkn_" + _draw(_BASE64URL, 43),
    "supabase": lambda: "sb" + "p_" + _hex(40),
    "supabase secret": lambda: "sb" + "_secret_" + _draw(_BASE64URL, 31),
    "neon": lambda: "na" + "pi_" + _lower(64),
    "mongodb atlas": lambda: "mdb" + "_sa_sk_" + _draw(_BASE64URL, 40),
    "pinecone": lambda: "pc" + "sk_" + _draw(_ALNUM, 6) + "_" + _draw(_ALNUM, 62),
    "openshift": lambda: "sha" + "256~" + _draw(_BASE64URL, 43),
    "discord": lambda: "M" + _draw(_ALNUM, 25) + "." + _draw(_ALNUM, 6) + "." + _draw(_BASE64URL, 38),
    "telegram": lambda: _digits(10) + ":A" + "A" + _draw(_BASE64URL, 33),
    "linkedin": lambda: "WPL" + "_AP1." + _draw(_ALNUM, 16) + "." + _draw(_ALNUM, 8),
    "dropbox": lambda: "s" + "l." + _draw(_BASE64URL, 135),
    "yandex": lambda: "AQ" + "VN" + _draw(_BASE64URL, 36),
    "yandex iam": lambda: "t" + "1." + _draw(_BASE64URL, 100) + "." + _draw(_BASE64URL, 86),
    "alibaba": lambda: "LT" + "AI" + _draw(_ALNUM, 20),
    "tencent": lambda: "AK" + "ID" + _draw(_ALNUM, 32),
    "stytch": lambda: "secret" + "-live-" + _draw(_BASE64URL, 43) + "=",
    "intra 42": lambda: "s-s4" + "t2ud-" + _hex(64),
    "ory": lambda: "ory" + "_pat_" + _draw(_ALNUM, 32),
    "1password account": lambda: (
        "A3" + f"-{_upper(6)}-{_upper(6)}-{_upper(5)}-{_upper(5)}-{_upper(5)}-{_upper(5)}"
    ),
    "1password service": lambda: (
        "op" + "s_" + _base64url('{"email":"' + _draw(_ALNUM, 240) + '"}').rstrip("-_")
    ),
    "age": lambda: "AGE-" + "SECRET-KEY-1" + _upper(58),
    "defined networking": lambda: "dn" + "key-" + _draw(_ALNUM, 26) + "-" + _draw(_ALNUM, 52),
    "adafruit": lambda: "ai" + "o_" + _draw(_ALNUM, 28),
    "settlemint": lambda: "sm" + "_pat_" + _draw(_ALNUM, 16),
    "groq": lambda: "gs" + "k_" + _draw(_ALNUM, 52),
    "perplexity": lambda: "pp" + "lx-" + _draw(_ALNUM, 48),
    "xai": lambda: "xa" + "i-" + _draw(_ALNUM, 80),
    "nvidia": lambda: "nv" + "api-" + _draw(_BASE64URL, 64),
    "cerebras": lambda: "cs" + "k-" + _lower(48),
    "fireworks": lambda: "f" + "w_" + _draw(_ALNUM, 24),
    "together": lambda: "tg" + "p_v1_" + _draw(_BASE64URL, 43),
    "replicate": lambda: "r" + "8_" + _draw(_ALNUM, 37),
    "anyscale": lambda: "ese" + "cret_" + _draw(_ALNUM, 26),
    "voyage": lambda: "p" + "a-" + _draw(_ALNUM, 20) + "_" + _draw(_BASE64URL, 22),
    "jina": lambda: "ji" + "na_" + _draw(_ALNUM, 60),
    "elevenlabs": lambda: "s" + "k_" + _hex(48),
    "cartesia": lambda: "sk" + "_car_" + _draw(_ALNUM, 22),
    "langsmith": lambda: "ls" + "v2_pt_" + _hex(32) + "_" + _hex(10),
    "logfire": lambda: "pylf" + "_v1_us_" + _draw(_ALNUM, 43),
    "wandb": lambda: "wandb" + "_v1_" + _draw(_ALNUM, 24) + "_" + _draw(_ALNUM, 50),
    "tavily": lambda: "tv" + "ly-dev-" + _draw(_ALNUM, 32),
    "firecrawl": lambda: "f" + "c-" + _hex(32),
    "e2b": lambda: "e2" + "b_" + _hex(40),
    "browserbase": lambda: "bb" + "_live_" + _draw(_ALNUM, 27),
    "llama cloud": lambda: "ll" + "x-" + _draw(_ALNUM, 48),
    "mem0": lambda: "m" + "0-" + _draw(_ALNUM, 40),
    "modal": lambda: "a" + "s-" + _draw(_ALNUM, 22),
    "runpod": lambda: "rp" + "a_" + _draw(_ALNUM, 46),
    "cursor": lambda: "ke" + "y_" + _hex(64),
    "openai session": lambda: "se" + "ss-" + _draw(_ALNUM, 40),
    "openai client secret": lambda: "e" + "k_" + _hex(32),
    "svix webhook": lambda: "wh" + "sec_" + _draw(_ALNUM + "+/", 43) + "=",
    "webhook with signs early": lambda: "wh" + "sec_+/" + _draw(_ALNUM + "+/", 41) + "=",
    "helicone": lambda: "sk-" + "helicone-" + "-".join(_lower(7) for _ in range(4)),
    "apify": lambda: "apify" + "_api_" + _draw(_ALNUM, 36),
    "composio": lambda: "a" + "k_" + _draw(_ALNUM, 20),
    "browser use": lambda: "b" + "u_" + _draw(_BASE64URL, 43),
    "arize": lambda: "a" + "k-" + _uuid() + "-" + _draw(_BASE64URL, 32),
    "inngest": lambda: "sign" + "key-prod-" + _hex(64),
    "trigger": lambda: "tr" + "_prod_" + _draw(_ALNUM, 20),
    "daytona": lambda: "dt" + "n_" + _hex(64),
    "kaggle": lambda: "KG" + "AT_" + _hex(32),
    "datadog": lambda: "dd" + "pat_" + _draw(_ALNUM, 22) + "_" + _draw(_ALNUM, 32),
    "new relic license": lambda: _hex(36) + "NR" + "AL",
    "new relic license of europe": lambda: "eu01" + "xx" + _hex(30) + "NR" + "AL",
    "honeycomb": lambda: "hc" + "aik_01" + _lower(56),
    "axiom": lambda: "xa" + "at-" + _uuid(),
    "posthog flags": lambda: "ph" + "s_" + _draw(_ALNUM, 43),
    "statsig": lambda: "sec" + "ret-" + _draw(_ALNUM, 43),
    "shopify theme": lambda: "shpt" + "ka_" + _hex(32),
    "shopify automation": lambda: "at" + "kn_" + _hex(64),
    "mollie": lambda: "li" + "ve_" + _draw(_ALNUM, 30),
    "braintree": lambda: "access_token" + "$production$" + _lower(16) + "$" + _hex(32),
    "polar": lambda: "polar" + "_oat_" + _draw(_ALNUM, 43),
    "linear webhook": lambda: "lin" + "_wh_" + _draw(_ALNUM, 40),
    "asana": lambda: f"2/{_digits(16)}/{_digits(16)}:" + _hex(32),
    "clickup": lambda: "p" + f"k_{_digits(8)}_" + _upper(32),
    "klaviyo": lambda: "p" + "k_" + _draw(_ALNUM, 6) + "_" + _hex(34),
    "cal.com": lambda: "cal" + "_live_" + _hex(32),
    "mailgun of 2023": lambda: "-".join(_hex(length) for length in (32, 8, 8)),
    "mailersend": lambda: "ml" + "sn." + _hex(64),
    "onesignal": lambda: "os_v2" + "_app_" + _lower(100),
    "figma oauth": lambda: "fi" + "gu_" + _draw(_BASE64URL, 40),
    "liveblocks": lambda: "sk" + "_prod_" + _draw(_BASE64URL, 64),
    "hyperbolic": lambda: "sk" + "_live_" + _draw(_BASE64URL, 86),
    "supabase oauth": lambda: "sb" + "p_oauth_" + _hex(40),
    "neon password": lambda: "np" + "g_" + _draw(_ALNUM, 12),
    "xata": lambda: "xa" + "u_" + _draw(_ALNUM, 32),
    "aiven": lambda: "AV" + "NS_" + _draw(_BASE64URL, 19),
    "cockroach": lambda: "CCDB" + "1_" + _draw(_ALNUM, 22) + "_" + _draw(_ALNUM, 40),
    "deno": lambda: "dd" + "p_" + _draw(_ALNUM, 36),
    "netlify build": lambda: "nf" + "b_" + _draw(_ALNUM, 36),
    "akamai": lambda: "ak" + "ab-" + _lower(16) + "-" + _lower(16),
    "sourcegraph gateway": lambda: "sg" + "d_" + _hex(64),
    "sourcegraph local": lambda: "sg" + "p_local_" + _hex(40),
    "cursor of 2025": lambda: "cr" + "sr_" + _hex(64),
    "socket": lambda: "skt" + "sec_" + _draw(_BASE64URL, 43) + "_api",
    "bitwarden": lambda: (
        "0" + "." + _uuid() + "." + _draw(_ALNUM, 30) + ":" + _draw(_ALNUM + "+/", 22) + "=="
    ),
    "age for quantum computers": lambda: "AGE-" + "SECRET-KEY-PQ-1" + _upper(58),
    "openvpn": lambda: (
        "-----BEGIN "
        "OpenVPN Static key V1-----\n"
        + "\n".join(_hex(32) for _ in range(16))
        + "\n-----END OpenVPN Static key V1-----"
    ),
    "json web token": _jwt,
    "json web token without a signature": lambda: _jwt().rpartition(".")[0] + ".",
    "encrypted web token": lambda: (
        _base64url('{"alg":"RSA-OAEP","enc":"A256GCM"}')
        + "".join("." + _draw(_BASE64URL, length) for length in (340, 16, 90, 22))
    ),
    "signed cookie": lambda: (
        _base64url('{"user_id":17,"_fresh":true}') + "." + _draw(_ALNUM, 6) + "." + _draw(_BASE64URL, 27)
    ),
    "paseto": lambda: "v4" + ".local." + _draw(_BASE64URL, 160),
    "rsa private key": lambda: _pem("RSA ", 25),
    "private key": lambda: _pem("", 26),
    "ec private key": lambda: _pem("EC ", 3),
    "openssh private key": lambda: _pem("OPENSSH ", 6),
    "encrypted private key": lambda: _pem("ENCRYPTED ", 28),
    "dsa private key": lambda: _pem("DSA ", 10),
    "private key in base64": lambda: _in_base64(_pem("", 26)),
    "rsa private key in base64": lambda: _in_base64(_pem("RSA ", 25)),
}
"""Kinds that are known by their shape, wherever they stand."""


def opaque(length: int = 24) -> str:
    """Draw a secret without any shape of its own."""
    return _draw(_ALNUM, length)


def basic() -> str:
    """Draw the credentials of an HTTP basic authorization."""
    return base64.b64encode(f"ada:{opaque(12)}".encode()).decode()
