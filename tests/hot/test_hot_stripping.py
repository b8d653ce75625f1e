"""Stripped source compiles to the byte code of the same source without its hot calls."""

from __future__ import annotations

import sys
from types import CodeType

import pytest

from flightlog.stripping.tree import mentions, stripped

IMPORT = "from flightlog import hot\n"


def _compiled(source: object) -> CodeType:
    return compile(source, "m.py", "exec", dont_inherit=True)  # type: ignore[call-overload]  # a tree or a text


def _facts(code: CodeType) -> tuple[object, ...]:
    """All that a code object is, but for its line tables: where things stand in the file."""
    return (
        code.co_name,
        code.co_qualname,
        code.co_code,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_nlocals,
        code.co_stacksize,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        getattr(code, "co_exceptiontable", b""),
        tuple(
            _facts(one) if isinstance(one, CodeType) else (type(one), one)
            for one in code.co_consts
            if sys.version_info < (3, 13)
            or one != code.co_firstlineno  # a class keeps its line as a constant
        ),
    )


def _same(source: str, without: str) -> None:
    assert _facts(_compiled(stripped(source, "m.py"))) == _facts(_compiled(without))


SAME = {
    "statements": (
        (
            "def f(a):\n    hot.tiny('q', 'd', str(a), a.b())\n    hot.correlated('q', 'd', a, '', 1)\n"
            "    hot.enter(f, {'a': a})\n    b = a + 1\n    hot.iteration(0, 8, f'{a}')\n    hot.state('b', a, b)\n"
            "    hot.exit(f, b)\n    return b\n"
        ),
        "def f(a):\n    b = a + 1\n    return b\n",
    ),
    "a body that is nothing else": ("def f():\n    hot.tiny('a', 'b')\n", "def f():\n    pass\n"),
    "a documented body that is nothing else": (
        "def f():\n    'doc'\n    hot.tiny('a', 'b')\n",
        "def f():\n    'doc'\n",
    ),
    "a text after a call is no docstring": (
        "def f():\n    hot.tiny('a', 'b')\n    'no doc'\n    return 1\n",
        "def f():\n    return 1\n",
    ),
    "a loop": (
        "def f(items):\n    for x in hot.loop(items, every=2, name='n'):\n        print(x)\n",
        "def f(items):\n    for x in items:\n        print(x)\n",
    ),
    "an asynchronous loop": (
        "async def f(items):\n    async for x in hot.loop(items):\n        print(x)\n",
        "async def f(items):\n    async for x in items:\n        print(x)\n",
    ),
    "loops in comprehensions": (
        "def f(a, b):\n    return [x for x in hot.loop(a) for _ in hot.loop(b)], {x for x in hot.loop(a)}\n",
        "def f(a, b):\n    return [x for x in a for _ in b], {x for x in a}\n",
    ),
    "a loop over what is computed": (
        "def f(a):\n    for x in hot.loop(a.items()):\n        hot.tiny('a', 'b')\n",
        "def f(a):\n    for x in a.items():\n        pass\n",
    ),
    "decorators": (
        (
            "@hot.traced_fn\ndef f(): return 1\nclass A:\n    @staticmethod\n    @hot.traced_fn(every=3)\n"
            "    async def g(a): return a\n"
        ),
        "def f(): return 1\nclass A:\n    @staticmethod\n    async def g(a): return a\n",
    ),
    "a block": (
        "def f(a):\n    if hot.on:\n        hot.tiny('a', 'b', a.c())\n        print(a)\n    return a\n",
        "def f(a):\n    return a\n",
    ),
    "a block with another one": (
        "def f(a):\n    if hot.on:\n        print(a)\n    else:\n        return 1\n    return a\n",
        "def f(a):\n    return 1\n    return a\n",
    ),
    "a block in a chain": (
        "def f(a):\n    if a:\n        return 1\n    elif hot.on:\n        print(a)\n    else:\n        return 2\n",
        "def f(a):\n    if a:\n        return 1\n    else:\n        return 2\n",
    ),
    "the other way round": (
        "def f(a):\n    if not hot.on:\n        print(a)\n    return a\n",
        "def f(a):\n    print(a)\n    return a\n",
    ),
    "with more to ask": (
        "def f(a):\n    if hot.on and a.b():\n        print(a)\n    return a\n",
        "def f(a):\n    return a\n",
    ),
    "every block that may not be empty": (
        (
            "def f(a):\n    while a:\n        hot.tiny('a', 'b')\n    with a:\n        hot.tiny('a', 'b')\n"
            "    try:\n        hot.tiny('a', 'b')\n    except OSError:\n        hot.tiny('a', 'b')\n"
            "    try:\n        a()\n    finally:\n        hot.tiny('a', 'b')\n"
            "    match a:\n        case 1:\n            hot.tiny('a', 'b')\n    if a:\n        hot.tiny('a', 'b')\n"
        ),
        (
            "def f(a):\n    while a:\n        pass\n    with a:\n        pass\n"
            "    try:\n        pass\n    except OSError:\n        pass\n"
            "    try:\n        a()\n    finally:\n        pass\n"
            "    match a:\n        case 1:\n            pass\n    if a:\n        pass\n"
        ),
    ),
    "every block that may": (
        (
            "def f(a):\n    for x in a:\n        a(x)\n    else:\n        hot.tiny('a', 'b')\n"
            "    try:\n        a()\n    except OSError:\n        a(1)\n    else:\n        hot.tiny('a', 'b')\n"
            "    finally:\n        hot.tiny('a', 'b')\n"
        ),
        "def f(a):\n    for x in a:\n        a(x)\n    try:\n        a()\n    except OSError:\n        a(1)\n",
    ),
    "a variable of an outer function that only a call names": (
        "def f():\n    a = 1\n    def g():\n        hot.tiny('a', 'b', a)\n        return 2\n    return g\n",
        "def f():\n    a = 1\n    def g():\n        return 2\n    return g\n",
    ),
    "at the top of the module and in classes": (
        "hot.tiny('a', 'b')\nclass A:\n    hot.state('a', 1, 2)\n    b = 1\n",
        "class A:\n    b = 1\n",
    ),
    "lambdas and comprehensions in what goes": (
        "def f(a):\n    hot.tiny('a', 'b', [x for x in a], lambda: a)\n    return 1\n",
        "def f(a):\n    return 1\n",
    ),
}


@pytest.mark.parametrize(("source", "without"), SAME.values(), ids=SAME.keys())
def test_it_is_as_if_the_calls_had_never_been_written(source, without):
    _same(IMPORT + source, IMPORT + without)


@pytest.mark.parametrize(
    ("imported", "call"),
    [
        ("from flightlog import hot as h", "h.tiny('a', 'b')"),
        ("from flightlog.hot import tiny", "tiny('a', 'b')"),
        ("from flightlog.hot import tiny as t", "t('a', 'b')"),
        ("import flightlog.hot", "flightlog.hot.tiny('a', 'b')"),
        ("import flightlog.hot as h", "h.tiny('a', 'b')"),
        ("import flightlog as fl", "fl.hot.tiny('a', 'b')"),
        ("import flightlog, flightlog.hot", "flightlog.hot.tiny('a', 'b')"),
        ("import flightlog.testing\nimport flightlog.hot", "flightlog.hot.tiny('a', 'b')"),
        ("if True:\n    from flightlog import hot", "hot.tiny('a', 'b')"),
        ("from flightlog.hot import on", "if on:\n        print(1)"),
    ],
)
def test_every_way_to_import_it_is_known(imported, call):
    _same(f"{imported}\ndef f():\n    {call}\n    return 1\n", f"{imported}\ndef f():\n    return 1\n")


STAYS = {
    "a name that is bound": IMPORT + "def f(a):\n    hot.tiny('a', 'b', (c := a))\n    return c\n",
    "what suspends": IMPORT + "def f(a):\n    hot.tiny('a', 'b', (yield a))\n",
    "what is awaited": IMPORT + "async def f(a):\n    hot.tiny('a', 'b', await a)\n",
    "a result that is used": IMPORT + "def f(a):\n    return hot.tiny('a', 'b')\n",
    "an iterator that is kept": IMPORT + "def f(a):\n    return next(hot.loop(a))\n",
    "a loop over what is unpacked": IMPORT + "def f(a):\n    for x in hot.loop(*a): pass\n",
    "another name for it": IMPORT + "tiny = hot.tiny\ndef f(a):\n    tiny('a', 'b')\n",
    "a name from elsewhere": "from myapp import hot\ndef f(a):\n    hot.tiny('a', 'b')\n",
    "a relative name": "from .flightlog import hot\ndef f(a):\n    hot.tiny('a', 'b')\n",
    "a parameter of that name": IMPORT + "def f(hot):\n    hot.tiny('a', 'b')\n",
    "a name that may be another": "try:\n    from flightlog import hot\nexcept ImportError:\n    hot = None\n"
    "def f():\n    hot.tiny('a', 'b')\n",
    "a name that is deleted": IMPORT + "del hot\ndef f():\n    hot.tiny('a', 'b')\n",
    "a name that a loop binds": IMPORT + "for hot in []: pass\nhot.tiny('a', 'b')\n",
    "a name that an exception binds": IMPORT + "try: pass\nexcept OSError as hot: pass\nhot.tiny('a', 'b')\n",
    "a name that a pattern binds": IMPORT + "match 1:\n    case [*hot]: pass\nhot.tiny('a', 'b')\n",
    "a name that a mapping's pattern binds": IMPORT
    + "match 1:\n    case {**hot}: pass\nhot.tiny('a', 'b')\n",
    "a name of a class": IMPORT + "class A:\n    hot = 1\nhot.tiny('a', 'b')\n",
    "an import within a function": "def f():\n    from flightlog import hot\n    hot.tiny('a', 'b')\n",
    "a module that imports everything of another": IMPORT + "from os import *\nhot.tiny('a', 'b')\n",
    "what is set": IMPORT + "hot.on = True\n",
    "other names of ours": "import flightlog as fl\nfl.event('a')\n@fl.traced\ndef f(): pass\n",
}


@pytest.mark.parametrize("source", STAYS.values(), ids=STAYS.keys())
def test_what_cannot_be_told_for_sure_or_means_more_stays(source):
    assert _facts(_compiled(stripped(source, "m.py"))) == _facts(_compiled(source))


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("x = 1\ndef f():\n    if hot.on:\n        x = 2\n    return x\n", UnboundLocalError),
        ("def f():\n    if hot.on:\n        yield 1\n", "generator"),
        ("def f():\n    return 1 if hot.on else 2\n", 2),
        ("def f():\n    return (hot.on, not hot.on)\n", (False, True)),
        ("def f(a=[1]):\n    if hot.on and (b := a): pass\n    return a\n", [1]),
        ("def f():\n    while hot.on: pass\n    return 3\n", 3),
        ("def f():\n    if len([1]) and hot.on: return 1\n    return 2\n", 2),
        ("def f():\n    if hot.on or 1: return 1\n    return 2\n", 1),
        ("def f():\n    if not hot.on or 1 / 0: return 1\n", 1),
    ],
)
def test_code_means_what_it_means_while_the_tier_is_off(source, result):
    names: dict[str, object] = {}
    exec(_compiled(stripped(IMPORT + source, "m.py")), names)
    work = names["f"]
    if isinstance(result, type):
        with pytest.raises(result):
            work()  # type: ignore[operator]  # the function that was just defined
    elif result == "generator":
        assert list(work()) == []  # type: ignore[operator]  # as above
    else:
        assert work() == result  # type: ignore[operator]  # as above


def test_what_stays_keeps_its_line():
    source = (
        IMPORT + "def f():\n    hot.tiny('a', 'b')\n    if hot.on:\n        pass\n    raise LookupError\n"
    )
    names: dict[str, object] = {}
    exec(_compiled(stripped(source, "m.py")), names)
    with pytest.raises(LookupError) as caught:
        names["f"]()  # type: ignore[operator]  # as above
    assert caught.traceback[-1].lineno + 1 == 6


@pytest.mark.parametrize(
    ("source", "answer"),
    [(b"x = 1", False), ("x = 1", False), (b"import flightlog", True), ("flightlog", True), (object(), True)],
)
def test_source_that_never_names_it_is_not_looked_at(source, answer):
    assert mentions(source) is answer


def test_source_is_read_in_its_own_encoding():
    source = "# -*- coding: latin-1 -*-\nfrom flightlog import hot\nhot.tiny('a', 'b')\nx = 'é'\n".encode(
        "latin-1"
    )
    names: dict[str, object] = {}
    exec(_compiled(stripped(source, "m.py")), names)
    assert names["x"] == "é"
