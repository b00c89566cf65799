"""Articles that are sent are answered from at once, and gone when they are removed; only with the key."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from indexer.articles import Article
from indexer.build import build_index
from indexer.encoder import Encoder
from indexer.fetch import FetchError, Page
from indexer.snapshot import live_articles
from server.app import create_app
from server.collection import Collection
from server.engine import Engine, live_snapshot, load_answerer
from server.errors import StorageError
from server.settings import Settings
from tests.indexer.test_formats import HTML, MARKDOWN, docx
from tests.server.test_api import Send, assert_error, sender

KEY = {"authorization": "Bearer k3y"}
TEXT = {
    "title": "固態電池量產",
    "text": "豐田計劃在2027年量產固態電池,續航達到1200公里。",
    "source": "乙網",
    "industry": "電池產業",
}
ASKED = "豐田計劃在哪一年量產固態電池?"
FOUND = {"https://b.example/2": Page("https://b.example/2", "text/html", HTML.encode())}


def found_page(url: str) -> Page:
    if url not in FOUND:
        raise FetchError("answers 404: does it open in a browser?")
    return FOUND[url]


@pytest.fixture
def index(tmp_path: Path, articles: list[Article], encoder: Encoder) -> Path:
    build_index(tmp_path / "index", articles[:2], encoder)
    return tmp_path / "index"


@pytest.fixture
def here(index: Path) -> Send:
    """A server with the key k3y, asked from this machine."""
    settings = Settings(index=index)
    engine = Engine(lambda: load_answerer(settings), lambda: live_snapshot(settings))
    return sender(create_app(engine, "k3y", collection=Collection(settings, engine, found_page)))


def test_a_text_that_is_sent_is_answered_from_at_once_and_no_more_once_it_is_removed(here: Send, index: Path) -> None:
    before = here("POST", "/api/answer", json={"question": ASKED}).json()
    added = here(
        "POST", "/api/articles", json=TEXT | {"date": "2025年9月30日", "url": "https://b.example/2"}, headers=KEY
    )
    assert added.status_code == 201
    (file,) = added.json()["files"]
    (article,) = file["articles"]
    wanted = {"title": TEXT["title"], "source": "乙網", "industry": "電池產業", "date": "2025-09-30", "chars": 28}
    assert (file["state"], file["reason"]) == ("indexed", "")
    assert article == wanted | {"id": article["id"], "url": "https://b.example/2"}
    answer = here("POST", "/api/answer", json={"question": ASKED}).json()
    assert answer["citations"][0]["article_id"] == article["id"]
    assert answer["index"] == added.json()["index"] != before["index"]
    assert here("GET", f"/api/articles/{article['id']}").json()["body"] == TEXT["text"]
    again = here("POST", "/api/articles", json=TEXT, headers=KEY)
    assert (again.status_code, again.json()["files"][0]["state"]) == (200, "skipped")
    gone = here("DELETE", f"/api/articles/{article['id']}", headers=KEY)
    assert (gone.status_code, gone.content) == (204, b"")
    assert here("POST", "/api/answer", json={"question": ASKED}).json()["index"] == before["index"]
    assert_error(here("DELETE", f"/api/articles/{article['id']}", headers=KEY), 404)


def test_files_end_one_by_one_and_are_told_what_they_do_not_tell(here: Send, index: Path) -> None:
    files = [
        ("file", ("電池.md", MARKDOWN.encode())),
        ("file", ("../../換電.docx", docx("換電站擴張", "蔚來在2025年建成3000座換電站。"))),
        ("file", ("x.exe", b"MZ")),
    ]
    response = here("POST", "/api/articles", files=files, data={"industry": "能源", "source": "本報"}, headers=KEY)
    assert response.status_code == 201
    told = response.json()["files"]
    assert [(f["name"], f["state"], len(f["articles"])) for f in told] == [
        ("電池.md", "indexed", 1),
        ("換電.docx", "indexed", 1),
        ("x.exe", "refused", 0),
    ]
    assert [(a.source, a.industry, a.date) for a in live_articles(index)[2:]] == [
        ("甲報", "電池產業", "2025-09-30"),
        ("本報", "能源", ""),
    ]


def test_a_page_is_fetched_and_a_failure_told(here: Send) -> None:
    page = {"url": "https://b.example/2", "industry": "電池產業"}
    (file,) = here("POST", "/api/articles", json=page, headers=KEY).json()["files"]
    assert [(a["title"], a["source"], a["url"]) for a in file["articles"]] == [("固態電池量產", "乙網", page["url"])]
    said = assert_error(here("POST", "/api/articles", json={"url": "https://b.example/3"}, headers=KEY), 422)
    assert said["message"] == "https://b.example/3: answers 404: does it open in a browser?"


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "file:///etc/passwd"])
def test_no_address_of_this_machine_is_fetched(index: Path, url: str) -> None:
    settings = Settings(index=index)
    engine = Engine(lambda: load_answerer(settings), lambda: live_snapshot(settings))
    send = sender(create_app(engine, "k3y", collection=Collection(settings, engine)))
    said = assert_error(send("POST", "/api/articles", json={"url": url, "industry": "業"}, headers=KEY), 422)
    assert "own network" in said["message"] or "only http:// and https://" in said["message"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"json": {}}, "send 'title' and 'text', or the 'url'"),
        ({"json": {"text": "文"}}, "'title' is missing"),
        ({"json": TEXT | {"industry": ""}}, "does not tell its industry"),
        ({"json": TEXT | {"text": "。"}}, "holds no text"),
        ({"json": TEXT | {"date": "soon"}}, "'soon' is no date"),
        ({"json": TEXT | {"url": "javascript:alert(1)"}}, "is no address"),
        ({"json": TEXT | {"nonsense": 1}}, "nonsense"),
        ({"json": TEXT | {"title": 1}}, "title: Input should be a valid string"),
        ({"content": b'{"title":"\\ud800","text":"x"}'}, "not valid JSON"),
        ({"content": b"{"}, "not valid JSON"),
        ({"files": {"other": (None, "x")}}, "holds no file"),
        ({"files": {"file": ("a.pdf", b"%PDF-1.4")}}, "a.pdf: cannot be read as pdf"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_taken_is_said_and_changes_nothing(
    here: Send, index: Path, sent: dict[str, object], said: str
) -> None:
    before = (index / "CURRENT").read_text()
    assert said in assert_error(here("POST", "/api/articles", headers=KEY, **sent), 422)["message"]
    assert (index / "CURRENT").read_text() == before


def test_a_form_that_is_broken_or_holds_too_many_files_is_refused(here: Send) -> None:
    broken = {"content-type": "multipart/form-data; boundary=x"} | KEY
    assert_error(here("POST", "/api/articles", content=b"nonsense", headers=broken), 400, 422)
    many = [("file", (f"{i}.md", b"x")) for i in range(21)]
    assert_error(here("POST", "/api/articles", files=many, headers=KEY), 400)


def test_a_question_and_a_search_are_kept_to_a_time(here: Send) -> None:
    (file,) = here("POST", "/api/articles", json=TEXT | {"date": "2025-09-30"}, headers=KEY).json()["files"]
    id = file["articles"][0]["id"]
    for span, found in (({"since": "2025-09-30"}, {id}), ({"until": "2025-09-29"}, set())):
        hits = here("GET", "/api/search", params={"q": ASKED} | span).json()["hits"]
        assert {hit["article_id"] for hit in hits} == found
        answer = here("POST", "/api/answer", json={"question": ASKED} | span).json()
        assert {citation["article_id"] for citation in answer["citations"]} == found
    for wrong in ("2025-13-01", "20250930", "soon", ""):
        said = assert_error(here("GET", "/api/search", params={"q": ASKED, "since": wrong}), 422)
        assert said["message"] == "since: write the date as 2025-09-30"
        assert_error(here("POST", "/api/answer", json={"question": ASKED, "until": wrong}), 422)


# ---- the key


def test_without_the_key_nothing_is_changed_even_from_this_machine(here: Send, index: Path) -> None:
    id = live_articles(index)[0].id
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic k3y"}):
        assert_error(here("POST", "/api/articles", json=TEXT, headers=headers), 401)
        assert_error(here("DELETE", f"/api/articles/{id}", headers=headers), 401)
    assert here("GET", "/api/articles").status_code == 200, "reading needs none here"
    assert len(live_articles(index)) == 2


def test_a_server_without_a_key_says_how_to_set_one(index: Path) -> None:
    settings = Settings(index=index)
    engine = Engine(lambda: load_answerer(settings))
    send = sender(create_app(engine, collection=Collection(settings, engine)))
    for headers in ({}, {"authorization": "Bearer "}, KEY):
        for method, path in (("POST", "/api/articles"), ("DELETE", "/api/articles/x")):
            assert "set YEWEN_API_KEY" in assert_error(send(method, path, headers=headers), 401)["message"]


def test_a_large_upload_needs_the_key_and_has_its_own_limit(here: Send) -> None:
    text = json.dumps(TEXT | {"text": "重" * 500_000}).encode()
    assert len(text) > 1 << 20
    assert_error(here("POST", "/api/articles", content=text), 413)
    far_too_much = KEY | {"content-length": str(34 << 20)}
    assert (
        "33792 KiB" in assert_error(here("POST", "/api/articles", content=b"x", headers=far_too_much), 413)["message"]
    )


def test_a_path_names_all_its_methods(here: Send, index: Path) -> None:
    article = f"/api/articles/{live_articles(index)[0].id}"
    for path, allowed in ((article, "DELETE, GET"), ("/api/articles", "GET, POST"), ("/api/index", "GET")):
        response = here("PUT", path)
        assert_error(response, 405)
        assert response.headers["allow"] == allowed


# ---- nothing is lost


def test_the_last_article_cannot_be_removed(here: Send, index: Path) -> None:
    first, second = live_articles(index)
    assert here("DELETE", f"/api/articles/{first.id}", headers=KEY).status_code == 204
    assert (
        "add another first" in assert_error(here("DELETE", f"/api/articles/{second.id}", headers=KEY), 409)["message"]
    )


def test_articles_that_are_sent_at_the_same_time_are_all_there(here: Send, index: Path) -> None:
    def send(number: int) -> httpx.Response:
        place = "甲乙丙丁戊己庚辛"[number]
        text = f"{place}市在202{number}年的產量是{number}37萬輛,這是{place}市統計局公布的數字。"
        return here("POST", "/api/articles", json=TEXT | {"title": place, "text": text}, headers=KEY)

    with ThreadPoolExecutor(6) as pool:
        assert [response.status_code for response in pool.map(send, range(6))] == [201] * 6
    assert {article.title for article in live_articles(index)[2:]} == set("甲乙丙丁戊己")
    assert len(here("GET", "/api/articles").json()["articles"]) == 8


def test_an_index_that_cannot_be_written_is_507(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(index=index)
    engine = Engine(lambda: load_answerer(settings))
    collection = Collection(settings, engine)

    def full(*arguments: object, **more: object) -> Callable[[], None]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("indexer.build.write_snapshot", full)
    with pytest.raises(StorageError, match="No space left"):
        collection.remove(live_articles(index)[0].id)
    send = sender(create_app(engine, "k3y", collection=collection))
    assert_error(send("POST", "/api/articles", json=TEXT, headers=KEY), 507)
    assert len(live_articles(index)) == 2


def test_a_server_without_an_index_takes_its_first_articles(tmp_path: Path) -> None:
    settings = Settings(index=tmp_path / "new")
    engine = Engine(lambda: load_answerer(settings), lambda: live_snapshot(settings))
    send = sender(create_app(engine, "k3y", collection=Collection(settings, engine)))
    assert send("GET", "/readyz").status_code == 503
    assert send("POST", "/api/articles", json=TEXT, headers=KEY).status_code == 201
    assert send("POST", "/api/answer", json={"question": ASKED}).json()["grounded"]
