"""``yewen doctor``: look at everything an answer needs, and say what to mend."""

import json
import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

import httpx

from indexer.encoder import EncoderError, load_encoder
from indexer.snapshot import SnapshotError, open_snapshot
from retriever import Retriever, analyse_question
from server.settings import Settings
from server.terminal import Paint, shown

OLDEST_PYTHON = (3, 11)
PATIENCE_S = 5.0  # for a language model to list its models
LARGEST_LIST = 1 << 20  # bytes of that list
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[^]]*\])?(?:>=([\d.]+))?")
_SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "fault": ("✗", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing, and what to do unless it is well."""

    about: str
    state: Literal["ok", "warning", "fault"]
    found: str
    mend: str = ""


def examine(settings: Settings, transport: httpx.BaseTransport | None = None) -> Iterator[Finding]:
    """Look at one thing after the other; nothing is changed. ``transport`` replaces the network."""
    yield _python()
    yield _packages(settings.store)
    yield from _index(settings)
    yield _feedback(settings)
    if settings.llm_base_url:
        yield _model(settings, transport)
    yield _port(settings)


def finding_text(finding: Finding, paint: Paint) -> str:
    """A finding for a terminal."""
    sign, style = _SIGNS[finding.state]
    mend = f"\n  → {shown(finding.mend)}" if finding.mend else ""
    return f"{paint(sign, style)} {paint(finding.about, 'bold')}: {shown(finding.found)}{mend}"


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", "fault", version, "install Python 3.11 or newer and run 'make setup'")
    return Finding("Python", "ok", version)


def _packages(store: str) -> Finding:
    try:
        required = metadata.requires("yewen") or []
    except metadata.PackageNotFoundError:
        return Finding("packages", "warning", "yewen itself is not installed", "run 'make setup'")
    needed = [line for line in required if ";" not in line or f"extra == '{store}'" in line.replace('"', "'")]
    missing = [problem for line in needed if (problem := _lacks(line))]
    if missing:
        return Finding("packages", "fault", "; ".join(missing), "run 'make setup', or pip install --upgrade yewen")
    return Finding("packages", "ok", f"{len(needed)} required, all there")


def _lacks(requirement: str) -> str:
    """What is wrong with an installed package, "" if nothing is."""
    name, least = _REQUIREMENT.findall(requirement)[0]  # the pattern matches at the start of each
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    return f"{name} is {version}, older than {least}" if _numbers(version) < _numbers(least or "0") else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:3])


def _index(settings: Settings) -> Iterator[Finding]:
    rebuild = f"run 'yewen index --index {settings.index}' with your articles"
    damages: list[str] = []
    try:
        snapshot = open_snapshot(settings.index, damages.append, settings.milvus_uri)
    except SnapshotError as error:
        yield Finding("index", "fault", str(error), rebuild)
        return
    if damages:
        yield Finding("index", "warning", f"{damages[0]}; the one before it answers", rebuild)
    else:
        held = f"{len(snapshot.articles)} articles, {len(snapshot.passages)} passages, checksums right"
        yield Finding("index", "ok", f"{settings.index}: snapshot {snapshot.id}, {held}")
    try:
        encoder = load_encoder(settings.encoder)
    except EncoderError as error:
        yield Finding("encoder", "fault", str(error), "set YEWEN_ENCODER to one that can be loaded")
        return
    if encoder.identity != snapshot.manifest.encoder:
        other = f"the index was built with {snapshot.manifest.encoder!r}, not {encoder.identity!r}"
        yield Finding("encoder", "fault", other, f"{rebuild}, or set YEWEN_ENCODER back")
        return
    article = snapshot.articles[0]
    try:
        hits = Retriever(snapshot, encoder).retrieve(analyse_question(article.title), 10)
    except SnapshotError as error:
        yield Finding("search", "fault", str(error), "start the store that YEWEN_MILVUS_URI names")
        return
    found = any(hit.article.id == article.id for hit in hits)
    told = f"the title {article.title!r} {'finds' if found else 'does not find'} its article"
    yield Finding("search", "ok" if found else "fault", told, "" if found else rebuild)


def _feedback(settings: Settings) -> Finding:
    file = settings.feedback_file
    place = file if file.exists() else next(folder for folder in file.absolute().parents if folder.exists())
    if os.access(place, os.W_OK):
        return Finding("feedback", "ok", f"goes to {file}")
    mend = f"let this user write to {place}, or set YEWEN_FEEDBACK to another file"
    return Finding("feedback", "warning", f"{file} cannot be written", mend)


def _model(settings: Settings, transport: httpx.BaseTransport | None) -> Finding:
    """Does the endpoint answer, take the key and have the model? Neither the key nor the answer's text is told."""
    about, name = "language model", settings.llm_model
    headers = {"Authorization": f"Bearer {settings.llm_api_key}"} if settings.llm_api_key else {}
    try:
        url = httpx.URL(settings.llm_base_url.rstrip("/") + "/models")
        place = f"{url.scheme}://{url.host}" + (f":{url.port}" if url.port else "")
        status, body = _fetch(url, headers, transport)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError, TimeoutError) as error:
        mend = "start it, or mend YEWEN_LLM_BASE_URL (http://127.0.0.1:11434/v1 for Ollama)"
        return Finding(about, "fault", f"no answer ({type(error).__name__})", mend)
    if status in (401, 403):
        return Finding(about, "fault", f"{place} refuses the key", "set YEWEN_LLM_API_KEY to a key that it takes")
    try:
        names = [str(model["id"]) for model in json.loads(body)["data"]] if status == 200 else []
    except (ValueError, KeyError, TypeError, RecursionError):
        names = []
    if name in names:
        return Finding(about, "ok", f"{place} has {name}")
    if names:
        has = ", ".join(one[:60] for one in names[:5])
        return Finding(about, "fault", f"{place} does not have {name}", f"set YEWEN_LLM_MODEL to one it has: {has}")
    return Finding(about, "warning", f"{place} answers {status} and lists no models", "ask a question and see")


def _fetch(url: httpx.URL, headers: dict[str, str], transport: httpx.BaseTransport | None) -> tuple[int, bytes]:
    """Status and at most ``LARGEST_LIST`` bytes of a GET, within ``PATIENCE_S`` or little more."""
    ends = time.monotonic() + PATIENCE_S
    headers = headers | {"Accept-Encoding": "identity"}
    body = b""
    with (
        httpx.Client(transport=transport, timeout=PATIENCE_S, trust_env=False) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > LARGEST_LIST:
                break
            if time.monotonic() > ends:
                raise TimeoutError
        return response.status_code, body[:LARGEST_LIST]


def _port(settings: Settings) -> Finding:
    host, port = settings.host, settings.port
    where = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if _is_ours(where):
            return Finding("port", "ok", f"a server answers at {where}/healthz already")
        return Finding("port", "fault", f"{where}: {error.strerror}", "stop what listens there, or set YEWEN_PORT")
    if host not in _LOOPBACK and not settings.api_key:
        return Finding("port", "warning", f"{where} is free and open to other machines", "set YEWEN_API_KEY")
    return Finding("port", "ok", f"{where} is free")


def _is_ours(where: str) -> bool:
    try:
        return _fetch(httpx.URL(f"{where}/healthz"), {}, None)[1] == b'{"status":"ok"}'
    except (httpx.HTTPError, TimeoutError):
        return False
