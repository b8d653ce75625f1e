"""`flightlog prune`: old traces leave, room goes back."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click
from msgspec import structs

from flightlog.cli import auditing
from flightlog.cli.asking import question_of, words
from flightlog.cli.filters import project
from flightlog.cli.jsonout import print_document
from flightlog.cli.moments import duration_ns
from flightlog.cli.opening import caught_up, holds_something, home, no_trace, say
from flightlog.cli.options import EXIT_CODES, as_json
from flightlog.cli.render.words import of_them, size
from flightlog.home import Home
from flightlog.questions.printing import text_of
from flightlog.records.errors import BadQuestion
from flightlog.records.question import And
from flightlog.settings import Settings
from flightlog.settings.values import size as read_size
from flightlog.upkeep.prune import Policy, Pruned, prune
from flightlog.upkeep.retention import policy_of

_ABOUT: Final = "about "


def _age(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    found = duration_ns(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no duration; say 30d, 12h or 90m")
    return found


def _bytes(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    try:
        return None if text is None else read_size(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not {error}") from None


@click.command("prune", epilog=EXIT_CODES)
@words
@click.option("--older-than", "age", metavar="AGE", callback=_age, help="Ended so long ago: 30d, 12h, 90m.")
@click.option(
    "--max-size",
    "room",
    metavar="SIZE",
    callback=_bytes,
    help="The oldest ones, until the store holds no more: 5GB, 500MB.",
)
@click.option("--keep-errors", is_flag=True, help="Keep traces in which something failed or was interrupted.")
@click.option("--question", metavar="TEXT", help="The QUESTION, as an option.")
@project
@click.option("--dry-run", "-n", is_flag=True, help="Say what would go, and change nothing.")
@click.option(
    "--compact", is_flag=True, help="Write the store anew at the end; who records waits in its journal."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask, where a QUESTION alone chooses.")
@as_json
def command(
    *,
    words: Sequence[str],
    age: int | None,
    room: int | None,
    keep_errors: bool,
    question: str | None,
    project: str,
    dry_run: bool,
    compact: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Delete old traces, and give the room back to the disk.

    Whole traces go, the oldest first, with everything that only they needed; sums and statistics forget them. What is
    still open stays. With --older-than, --max-size or a QUESTION: 'environment:ci', of which some span must fit; all
    that is given must hold, but --max-size goes on with the oldest that may go until the store is small enough. Without
    any of them the settings prune_older_than, prune_max_size, prune_keep_errors and prune_question say what goes.

    It works in small parts, so programs that record at the same time go on; Ctrl-C ends it after a part, and the
    next run goes on from there. A second run changes nothing.

    The room goes back to the disk a little at a time. A store that an older Flightlog made can do that only after it
    was written anew once, with --compact.

    With --json: an object that says what went (or would go, with --dry-run) and what is left.
    """
    found = home()
    if not holds_something(found):
        say(no_trace(found))
        if as_json:
            print_document(Pruned(is_dry=dry_run))
        return
    asked = [" ".join(words)] if words else []
    policy = _policy(found.settings, age, room, asked if question is None else [*asked, question])
    policy = structs.replace(
        policy, keep_errors=keep_errors or policy.keep_errors, project=project or policy.project
    )
    if not (policy.chooses or compact):
        raise BadQuestion(
            "nothing says what is to go; give --older-than, --max-size or a question, or set prune_older_than"
        )
    if policy.question is not None and policy.older_than_ns is None and policy.max_bytes is None:
        _agree(text_of(policy.question), is_asked=not (yes or dry_run))
    with caught_up(found):
        pass
    shown = _Shown()
    try:
        done = prune(found, policy, dry_run=dry_run, compact=compact, progress=shown.at)
    finally:  # also of what was gone before it was interrupted
        _wipe()
        _note(found, shown.last)
    if as_json:
        print_document(done)
    else:
        _tell(done, policy)


def _policy(settings: Settings, age: int | None, room: int | None, asked: Sequence[str]) -> Policy:
    """What the options say; without any that chooses, what the settings say."""
    questions = [found for one in asked if (found := question_of([one])) is not None]
    if age is None and room is None and not questions:
        return policy_of(settings)
    return Policy(older_than_ns=age, max_bytes=room, question=And(tuple(questions)) if questions else None)


def _agree(question: str, *, is_asked: bool) -> None:
    if not is_asked:
        return
    if not sys.stdin.isatty():
        raise BadQuestion("a question alone chooses, and nobody is there to be asked; give --yes")
    click.confirm(f"Delete every trace that fits {question}, whatever its age?", err=True, abort=True)


class _Shown:
    """How far it is, on a terminal."""

    def __init__(self) -> None:
        self.last = Pruned()

    def at(self, done: Pruned) -> None:
        """Show it."""
        self.last = done
        if sys.stderr.isatty():
            told = f"{of_them(done.traces, 'trace')}, {of_them(done.spans, 'span')}"
            click.echo(f"\r\x1b[K{told}", err=True, nl=False)


def _note(found: Home, done: Pruned) -> None:
    """Tell the audit log."""
    if done.spans and not done.is_dry:
        asked = auditing.as_typed()
        auditing.note(found, "pruned", done.trace_ids, count=done.traces, question=asked, spans=done.spans)


def _wipe() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)


def _tell(done: Pruned, policy: Policy) -> None:
    about = _ABOUT if done.is_dry and policy.max_bytes is not None else ""
    verb = "would go" if done.is_dry else "deleted"
    if not done.traces:
        click.echo("nothing to prune")
    else:
        click.echo(f"{about}{of_them(done.traces, 'trace')} with {of_them(done.spans, 'span')} {verb}")
    if not done.is_dry:
        back = f", {size(done.given_back_bytes)} given back" if done.given_back_bytes else ""
        click.echo(f"the store holds {size(done.used_bytes)} in a file of {size(done.file_bytes)}{back}")
        if not done.gives_back and done.file_bytes - done.used_bytes > 1024 * 1024:
            say("an older Flightlog made this store: its file gets shorter with `flightlog prune --compact`")
    elif policy.max_bytes is not None:
        click.echo(f"the store would hold about {size(done.used_bytes)}")
    if not done.is_small_enough and policy.max_bytes is not None:
        say(f"that is more than {size(policy.max_bytes)}: what is left is open, or is kept on purpose")
