"""Verbs about text: `synthwright text dyval make | score | ladder`; the bodies are imported when a verb runs."""

from __future__ import annotations

from typing import Annotated

import typer

text = typer.Typer(
    help="Make texts and benchmarks, and score models on them.", rich_markup_mode=None, no_args_is_help=True
)
dyval = typer.Typer(
    help="Reasoning problems from random graphs, with answers known by construction.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
text.add_typer(dyval, name="dyval")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")]
Task = Annotated[str, typer.Option("--task", metavar="TASK", help="all, or names with commas between.")]
Order = Annotated[str, typer.Option("--order", help="topological, reversed, random, or all: each item in the three.")]
Wording = Annotated[str, typer.Option("--template-set", metavar="N", help="Wording, 0 to 6, or mixed.")]
SecretEnv = Annotated[
    str, typer.Option("--secret-env", metavar="NAME", help="Environment variable with the key of the item seeds.")
]
BackendName = Annotated[
    str,
    typer.Option(
        "--backend",
        metavar="URL|scripted:SPEC",
        help="Address of an OpenAI-compatible endpoint up to its /v1, or scripted:oracle, scripted:skill=3.5,...",
    ),
]
Model = Annotated[str, typer.Option("--model", metavar="NAME", help="Model, as the endpoint calls it.")]
KeyEnv = Annotated[
    str, typer.Option("--key-env", metavar="NAME", help="Environment variable that holds the key; it is never saved.")
]
Ledger = Annotated[
    str, typer.Option("--ledger", metavar="FILE", help="Keeps each reply as it comes; the same command goes on there.")
]
Cache = Annotated[
    str, typer.Option("--cache", metavar="FILE", help="Never ask the same twice: keeps replies for all runs.")
]
Concurrency = Annotated[int, typer.Option("--concurrency", min=1, max=256, help="Requests at once; 4 if not given.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds for one reply.")]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=1, help="Longest reply.")]
Temperature = Annotated[float, typer.Option("--temperature", min=0, max=2, help="0: the likeliest reply.")]
MaxCalls = Annotated[int, typer.Option("--max-calls", min=0, help="Stop before more calls; 0 is no limit.")]


@dyval.command()
def make(
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="JSON lines, Parquet or Arrow; `-` prints.")],
    task: Task = "all",
    level: Annotated[str, typer.Option("--level", metavar="LEVEL", help="D1 to D8, a range, or a list.")] = "D1-D4",
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="Items in all, over all tasks and levels.")] = 280,
    order: Order = "random",
    template_set: Wording = "0",
    balance: Annotated[
        str,
        typer.Option("--balance", metavar="MIX", help="twin, uniform, paper, or shares: True=0.7,False=0.2,N/A=0.1."),
    ] = "twin",
    secret_env: SecretEnv = "",
    set_: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="An option; see: synthwright generators dyval.")
    ] = [],  # noqa: B006 - typer wants a list, and nothing changes it
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Make items; no model and no data are needed.

    \b
    Example:
      synthwright text dyval make --task all --level D1-D4 --n 280 --out dyval.jsonl
    """
    from synthwright.cli import dyval as body

    options = body.MakeOptions(task, level, order, template_set, secret_env, tuple(set_), seed, balance)
    body.make(out, n, options, _output(json, quiet))


@dyval.command()
def score(
    items: Annotated[str, typer.Argument(metavar="ITEMS", help="A file that `make` wrote.")],
    preds: Annotated[
        str, typer.Option("--preds", metavar="FILE", help='Replies you have: JSON lines {"id": ..., "reply": ...}.')
    ] = "",
    backend: BackendName = "",
    model: Model = "",
    key_env: KeyEnv = "",
    out: Annotated[
        list[str],
        typer.Option("--out", metavar="FILE", help="Answered items (.jsonl .parquet) or report (.html); repeatable."),
    ] = [],  # noqa: B006 - as in make
    ledger: Ledger = "",
    cache: Cache = "",
    by: Annotated[str, typer.Option("--by", help="task, level, order, template_set, with commas.")] = "task,level",
    concurrency: Concurrency = 4,
    timeout: Timeout = 120.0,
    max_tokens: MaxTokens = 2048,
    temperature: Temperature = 0.0,
    max_calls: MaxCalls = 0,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Score replies: those in a file, or those of a model that is asked now.

    Stopped at any time it goes on with the same command, when --out or --ledger names a file.

    \b
    Examples:
      synthwright text dyval score dyval.jsonl --preds preds.jsonl
      synthwright text dyval score dyval.jsonl --backend http://127.0.0.1:8000/v1 --model NAME --out scored.jsonl
      synthwright text dyval score dyval.jsonl --backend scripted:skill=3.5
    """
    from synthwright.cli import dyval as body

    asking = body.AskOptions(
        backend, model, key_env, ledger, cache, concurrency, timeout, max_tokens, temperature, max_calls, seed
    )
    body.score(items, body.ScoreOptions(preds, tuple(out), by), asking, _output(json, quiet))


@dyval.command()
def ladder(
    backend: BackendName,
    task: Task = "all",
    model: Model = "",
    key_env: KeyEnv = "",
    ledger: Ledger = "",
    cache: Cache = "",
    order: Order = "random",
    template_set: Wording = "0",
    secret_env: SecretEnv = "",
    concurrency: Concurrency = 4,
    timeout: Timeout = 120.0,
    max_tokens: MaxTokens = 2048,
    temperature: Temperature = 0.0,
    max_calls: MaxCalls = 0,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Find the level that a model reaches, with few items: harder after right answers, easier after wrong ones.

    \b
    Examples:
      synthwright text dyval ladder --task bool_logic --backend scripted:skill=4
      synthwright text dyval ladder --backend http://127.0.0.1:8000/v1 --model NAME --ledger ladder.jsonl
    """
    from synthwright.cli import dyval as body

    asking = body.AskOptions(
        backend, model, key_env, ledger, cache, concurrency, timeout, max_tokens, temperature, max_calls, seed
    )
    style = body.MakeOptions(task, "D1-D8", order, template_set, secret_env, (), seed)
    body.ladder(style, asking, _output(json, quiet))


def _output(json: bool, quiet: bool):  # type: ignore[no-untyped-def]  # noqa: ANN202 - console.Output is imported when a verb runs
    from synthwright.cli.console import Output

    return Output(json, quiet)
