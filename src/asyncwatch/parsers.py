"""From a word on the command line, in a variable or in a file to a setting. Each raises ValueError."""

from __future__ import annotations

from collections.abc import Callable


def choice(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return parse


def choice_or_path(allowed: tuple[str, ...]) -> Callable[[str], str]:
    """One of these words, or a path, which has a slash in it."""

    def parse(text: str) -> str:
        if text not in allowed and "/" not in text:
            raise ValueError(f"one of {', '.join(allowed)}, or a directory's path with a / in it")
        return text

    return parse


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("a number of seconds") from None
    if not 0 < value < 1e9:  # also refuses nan
        raise ValueError("a positive number of seconds")
    return value


def whole(text: str) -> int:
    if not text.strip().isdigit() or int(text) == 0:
        raise ValueError("a positive whole number")
    return int(text)


def codes(text: str) -> frozenset[str]:
    codes = frozenset(part.strip().upper() for part in text.replace(",", " ").split())
    for code in codes:
        if not (code.startswith("AW") and code[2:].isdigit()) and code != "AW":
            raise ValueError("codes such as AW101, or a prefix such as AW2, separated by commas")
    return codes


def calls(text: str) -> tuple[str, ...]:
    rules = tuple(part.strip() for part in text.split(",") if part.strip())
    for rule in rules:
        call = rule.partition(":")[0]
        if not call or "/" in call or rule.endswith(":") or " " in call:
            raise ValueError("CALL or CALL:PLACE, such as time.sleep:shop.legacy or open:*/templates/*, by commas")
    return rules


def words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if not all(words):
        raise ValueError("packages or path patterns, separated by commas")
    return words


def text(text: str) -> str:
    if not text:
        raise ValueError("a name")
    return text


def collector(raw: str) -> str:
    """The address of an OpenTelemetry collector without the signal's path; `env` is what OTEL_EXPORTER_OTLP_* say."""
    scheme, _, rest = raw.partition("://")
    if raw == "env" or (scheme in ("http", "https") and rest.strip("/") and raw.isprintable() and " " not in raw):
        return raw.rstrip("/")
    raise ValueError("an address such as http://localhost:4318, or env")
