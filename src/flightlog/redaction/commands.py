"""Secrets that a command or a protocol takes as a plain word: no key stands before them, only what is being done.

`PASS …` of FTP, `AUTH …` of Redis, `sqlplus ada/…@host`, `echo … | docker login --password-stdin`, and commands
that a program holds as a list of words (`['mysql', '-p…']`), which are read as the line that they will become.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from flightlog.redaction.evidence import is_placeholder
from flightlog.redaction.heads import has_random_run
from flightlog.redaction.modes import STANDS
from flightlog.redaction.places import ALONE_IN_URL, OPTION, after_options
from flightlog.redaction.rule import Family, Rule, finding, matching
from flightlog.redaction.statements import CURL_COOKIE, SHORT_OPTION, after_short_options

Span = tuple[int, int]

_WORD: Final = r"""\\{0,7}["']?([^\s"'`;|&<>\\]{4,}+)"""
"""A word, quoted or not."""
_LONG_WORD: Final = r"((?=[^\s\"']*[0-9])(?=[^\s\"']*[A-Za-z])[^\s\"'`;,|&<>\\]{8,}+)"


def _is_secret_word(word: str) -> bool:
    """Say whether a word can be a secret where only a secret can stand: prose goes on with plain words."""
    return not (word.startswith(STANDS) or is_placeholder(word) or word.isdigit() or word.isalpha())


def _command(pattern: str, proof: Callable[[str], bool] = _is_secret_word) -> Rule:
    return matching("command", pattern, proof)


_LONG_OPTION: Final = (
    r"-(?<=[\s\"']-)(?:(?:src|dest)?(?:store|key)pass|password|passwd|pass|secret|token)[ =]"
)
_ECHO: Final = r"echo (?:-n )?[\"']?(?:[\w.-]{1,64}:)?([^\s\"'|:$]{4,}+)[\"']? ?\| ?"
_DASH: Final = tuple(
    _command(pattern)
    for pattern in (
        rf"{_LONG_OPTION}(?![\"']?(?:pass|env|file|fd):){_WORD}",
        rf"-password(?<=insecure-password) {_WORD}",
        rf"-pass(?<=sentinel auth-pass) \S{{1,64}} {_WORD}",
        rf"-authtoken {_WORD}",
        rf"[Xx]-(?:[A-Za-z]{{1,20}}-){{0,3}}(?:[Kk]ey|[Tt]oken|[Ss]ecret|KEY|TOKEN) {_LONG_WORD}",
        rf"http-basic\.\S{{1,64}} \S{{1,128}} {_WORD}",
        rf"To-SecureString (?:-String )?{_WORD}",
        r"--from-literal[ =][\"']?[\w.-]{1,128}=([^\s\"']{4,}+)",
        rf"(?:put-parameter|create-secret)(?=[^\r\n]{{1,400}}--value)[^\r\n]{{1,400}}?--value {_WORD}",
        rf"(?:pulumi|esc) (?:config|env) set [^\r\n]{{0,200}}?[\w.:-]{{1,128}} {_WORD} --secret",
        r"(?:https?|xh)(?<![\w./:-]https)(?<![\w./:-]http) [^\r\n]{0,200}?-a ?\"?[\w.@+-]{1,128}:([^\s\"':]{4,}+)",
        rf"{_ECHO}[^\r\n|]{{0,200}}?(?:--(?:password-)?stdin|sudo -S)",
    )
)
_SHORT_WORD: Final = matching(
    "option", r"--token=[\"']?([^\s\"'`;|&<>\\]{4,7})(?![^\s\"'`;|&<>\\])", _is_secret_word
)
_UNDERSCORE: Final = (
    _command(rf"rabbitmqctl (?:[^\r\n]{{0,100}} )?(?:add_user|change_password) \S{{1,128}} {_WORD}"),
    _command(rf"configure set [\w.-]{{0,64}}(?:_key|_token|_secret|_password) {_WORD}"),
)
_PASSWORD_TOOLS: Final = (
    _command(r"echo (?:-e )?[\"']?[\w.-]{1,64}:([^\s\"'|]{4,}+)[\"']? ?\| ?(?:sudo )?chpasswd"),
    _command(rf"htpasswd -[a-zA-Z]{{0,5}}b[a-zA-Z]{{0,5}} \S{{1,256}} [\w.@-]{{1,128}} {_WORD}"),
)
_OF_WINDOWS: Final = (
    _command(rf"/rp {_WORD}"),
    _command(rf"(?:net|NET) user [\w.-]{{1,64}} {_WORD}(?=[^\r\n]{{0,100}}/add)"),
    _command(rf"(?:net|NET) use [^\r\n]{{0,200}}?/user:[^\s]{{1,128}} (?!/){_WORD}"),
    _command(
        rf"(?:net|NET) use (?:[A-Za-z*]:? )?\\{{2,8}}[\w.$-]{{1,64}}\\{{1,8}}[^\s]{{1,128}} (?!/){_WORD}"
        r"(?=[^\r\n]{0,100}/user:)"
    ),
)

_LOGIN: Final = _command(
    r"USER [^\s:]{1,128}\s*(?:[\r\n][^\r\n]{0,200}){0,3}?[\r\n](?:[A-Z]: ?|[<>-]+ ?)?PASS ([^\s:]{3,}+)(?![^\r\n])",
    lambda word: not word.startswith(STANDS),
)
"""A conversation of FTP, POP3 or IRC: without the name before it, `PASS …` is the report of a test."""
_QUOTE: Final = _command(r"quote PASS[ ](\S{3,}+)", lambda word: not word.startswith(STANDS))
_AUTHS: Final = tuple(
    _command(pattern)
    for pattern in (
        r"AUTH (?<![^\r\n> ]AUTH )(?:[\w.-]{1,64} )?([^\s\"']{6,}+)(?![^\r\n])",
        r"\"AUTH\" (?:\"[^\"\r\n]{1,64}\" )?\"([^\"\r\n]{4,}+)\"",
        r"AUTH(?:\\r\\n|\r?\n)\$[0-9]{1,5}(?:\\r\\n|\r?\n)([^\s\\]{4,}+)",
        r"AUTH LOGIN[\s\S]{0,200}?334 UGFzc3dvcmQ6\s{1,3}(?:[A-Z]: ?)?([A-Za-z0-9+/]{4,}={0,2})",
    )
)
_IMAP: Final = _command(
    r"(?<![^\r\n: ])[A-Za-z]{0,4}[0-9]{1,6} LOGIN \S{1,200} \"?([^\s\"]{3,}+)\"?(?![^\r\n])",
    lambda word: not word.startswith(STANDS),
)
_SQLPLUS: Final = _command(
    r"sql(?:plus|ldr) (?:-\w{1,12} ){0,4}(?:userid=)?[\"']?[\w$#]{1,128}/([^\s/@\"']{3,}+)@",
    lambda word: not word.startswith(STANDS),
)
_THIN: Final = _command(r"thin:[\w$#]{1,128}/([^\s/@\"']{3,}+)@", lambda word: not word.startswith(STANDS))
_REQUIRED: Final = tuple(
    _command(rf"{key} (?<![^\s]{key} )[\"']?([^\s\"']{{3,}}+)", lambda word: not word.startswith(STANDS))
    for key in ("requirepass", "masterauth")
)

_OPENING: Final = re.compile(r"""[\[(]\s{0,40}(?=b?["'])""")
_ELEMENT: Final = re.compile(r"""b?(?:"([^"\\\r\n]*+)"|'([^'\\\r\n]*+)')\s{0,40}(?:,\s{0,40}|(?=[\])]))""")
_LONGEST_WORD: Final = 4096
_MOST_WORDS: Final = 256


def in_lists(text: str) -> Iterator[Span]:
    """`['mysql', '-p…']`: a command as a list of words."""
    done = 0
    for opening in _OPENING.finditer(text):
        if opening.start() < done:
            continue
        words = list(_elements(text, opening.end()))
        done = words[-1][1] if words else opening.end()
        if len(words) > 1 and any(text[start] == "-" for start, end in words if start < end):
            yield from _in_line(text, words)


def _elements(text: str, place: int) -> Iterator[Span]:
    for _ in range(_MOST_WORDS):
        element = _ELEMENT.match(text, place)
        if element is None:
            return
        yield element.span(element.lastindex or 0)
        place = element.end()


def _in_line(text: str, words: list[Span]) -> Iterator[Span]:
    """Read the words as one line; what is secret there has to be in a single one of them."""
    starts: dict[int, int] = {}
    line = ""
    for start, end in words:
        if end - start > _LONGEST_WORD:
            return
        for place in range(start, end):
            starts[len(line) + place - start] = place
        line += text[start:end] + " "
    found = {*after_short_options(line), *after_options(line)}
    for start, end in sorted(found):
        if start in starts and starts.get(end - 1) == starts[start] + end - start - 1:
            yield starts[start], starts[start] + end - start


_CODE: Final = matching(
    "url_code",
    r"=(?:(?<=[?&;]code=)|(?<=[?&;]otp=)|(?<=oobCode=)|(?<=device_code=)|(?<=code_verifier=)|(?<=SAMLResponse=)"
    r"|(?<=client_assertion=))([A-Za-z0-9%+/._~-]{16,}={0,2})",
    has_random_run,
)
"""What a program exchanges for a token, or shows as one."""
_DEVICE_CODE: Final = matching(
    "url_code", r"device_code\\{0,7}[\"']\s{0,4}:\s{0,4}\\{0,7}[\"']([^\"'\\\r\n]{8,}+)"
)
"""The same as a member of an object."""
_BUNDLER: Final = _command(
    r"BUNDLE_[A-Z0-9_]{2,80}[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?[\w.@%-]{1,64}:(?![\\/])([^\s\"']{3,}+)"
)
"""What the installer of Ruby's packages logs in with, by host."""

_ROOTS: Final = "[Pp]ass|[Pp]wd|[Ss]ecret|[Tt]oken|[Kk]ey|[Cc]red|[Aa]uth|[Cc]ookie|[Jj]wt"
_OPTION_SIGNS: Final = "|".join(
    [
        rf"[a-z](?<=--[a-z])(?:ass|wd|ecret|oken|ey|red|uth|ookie|wt|[\w-]{{0,40}}?(?:{_ROOTS}))",
        r"""[uUpaPwbkt][ "'A-Za-z0-9](?<= -..)""",
        r"""[sSLfkvigIjX#]{1,6}[uU][ "']""",
        r"-(?:proxy-)?(?:user|cookie)[ =]",
        r"""[uUpPawk](?<=["']-[a-zA-Z])""",
        r"""[a-z](?<=["']--[a-z])(?:w\b|sk\b|ser\b|[\w-]{0,40}?(?:pw|psk|-user|ookie|code|contrase|kennw|senha|wachtw))""",
        r"(?:(?:src|dest)?(?:store|key)pass|pass(?:word|wd)?|secret|token)[ =]",
        r"S(?<=sudo -S)",
        r"(?:from-literal|value|(?:password-)?stdin)(?![\w-])",
    ]
)
"""What stands after the dash of an option that takes a secret."""
_OTHER_SIGNS: Final = (
    r"pass(?:word)? (?=\S{4})"
    r"|[Kk](?:ey|EY) (?=\S{8})"
    r"|[Tt](?:oken|OKEN) (?=\S{8})"
    r"|[Ss](?:ecret|ECRET|ecureString) (?=\S{4})"
    r"|authtoken "
    r"|basic\."
)
"""What stands after a dash inside a word."""

FAMILIES: Final = (
    Family(
        "-",
        re.compile(rf"-(?:(?<=[\s\"'-]-)(?!--)(?:{_OPTION_SIGNS})|{_OTHER_SIGNS})").search,
        (OPTION, SHORT_OPTION, CURL_COOKIE, finding("command", in_lists), *_DASH, _SHORT_WORD),
    ),
    Family("\n", re.compile(r"masterauth (?<=\nmasterauth )").search, _REQUIRED, rooted=True),
    Family("_", re.compile(r"_(?:[upkts](?:ser|assword|ey|oken|ecret) [^\s=:])").search, _UNDERSCORE),
    Family("_", re.compile(r"_(?:[A-Z](?<=BUNDLE_[A-Z]))").search, (_BUNDLER,)),
    Family("_", re.compile(r"_(?:code[\"'\\](?<=device_code.))").search, (_DEVICE_CODE,), rooted=True),
    Family(
        "p", re.compile("p(?:asswd(?:(?<=chpasswd)|(?<=htpasswd) -))").search, _PASSWORD_TOOLS, rooted=True
    ),
    Family(
        "p",
        re.compile("p(?:ass(?<=requirepass) |lus(?<=sqlplus) )").search,
        (*_REQUIRED, _SQLPLUS),
        rooted=True,
    ),
    Family("/", re.compile(r"/(?:rp |user:|add(?![\w/-]))").search, _OF_WINDOWS),
    Family(
        "A",
        re.compile(r"A(?:SS(?<=PASS) |UTH(?:[ \r\n\"\\]))").search,
        (_LOGIN, _QUOTE, *_AUTHS),
        rooted=True,
    ),
    Family("G", re.compile(r"G(?<=LOG)IN ").search, (_IMAP,)),
    Family("@", re.compile(r"@(?://|[\w.-]++(?:/|:[0-9]))").search, (_THIN, _SQLPLUS, ALONE_IN_URL)),
    Family(
        "=",
        re.compile(
            r"=(?:(?<=[?&;]code=)|(?<=[?&;]otp=)|(?<=oobCode=)|(?<=device_code=)|(?<=code_verifier=)|(?<=SAMLResponse=)|(?<=client_assertion=))"
        ).search,
        (_CODE,),
    ),
)
"""Each sign begins as that of other families does, so that one search asks for all of them."""
