"""Settings: read once at start from the environment and ``.env``, then never change."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PREFIX = "YEWEN_"
STORES = ("faiss", "milvus")
LOG_FORMATS = ("text", "json")


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting; the README lists them. An empty string stands for "not set", a rate limit of 0 for none."""

    index: Path = Path(".yewen")
    encoder: str = "built-in"
    reranker: str = ""
    llm_base_url: str = ""
    llm_model: str = ""
    llm_api_key: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    store: str = "faiss"
    milvus_uri: str = field(default="", repr=False)  # may hold a password
    host: str = "127.0.0.1"
    port: int = 8000
    rate_limit: int = 0
    log_format: str = "text"
    feedback: str = ""

    @property
    def feedback_file(self) -> Path:
        """Where feedback is kept; unless set, beside the snapshots, where a rebuild leaves it alone."""
        return Path(self.feedback) if self.feedback else self.index / "feedback.jsonl"


def read_settings(environment: Mapping[str, str] | None = None, file: Path = Path(".env")) -> Settings:
    """The settings of the environment, and of ``file`` for those that the environment does not set.

    Raises:
        SettingsError: a value that is none of those allowed, or a model without an address or the reverse.
    """
    given = {**_read_file(file), **(os.environ if environment is None else environment)}
    values = {name: given.get(PREFIX + name.upper(), "").strip() for name in Settings.__slots__}
    texts = {name: value for name, value in values.items() if value and name not in {"index", "port", "rate_limit"}}
    settings = Settings(
        index=Path(values["index"] or Settings().index),
        port=_number("port", values["port"] or "8000", 1, 65535),
        rate_limit=_number("rate_limit", values["rate_limit"] or "0", 0, 1_000_000),
        **texts,
    )
    if settings.store not in STORES:
        raise SettingsError(f"{PREFIX}STORE is {settings.store!r}; it must be one of {', '.join(STORES)}")
    if settings.log_format not in LOG_FORMATS:
        raise SettingsError(
            f"{PREFIX}LOG_FORMAT is {settings.log_format!r}; it must be one of {', '.join(LOG_FORMATS)}"
        )
    if bool(settings.llm_base_url) != bool(settings.llm_model):
        raise SettingsError(f"{PREFIX}LLM_BASE_URL and {PREFIX}LLM_MODEL go together: set both or neither")
    return settings


def _number(name: str, text: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingsError(f"{PREFIX}{name.upper()} is {text!r}; it must be a whole number from {least} to {most}")
    return int(text)


def _read_file(file: Path) -> dict[str, str]:
    """``NAME=value`` lines; blank lines and ``#`` comments are passed over, quotes around a value taken off."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read ({error}); mend or remove it") from None
    pairs = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals:
            raise SettingsError(f"{file}:{number}: write NAME=value")
        pairs[name.strip()] = value.strip().strip("'\"")
    return pairs
