"""What a question finds: passages in the order of what was read in them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from answerer import network
from answerer.conversation import Message
from answerer.features import candidates, in_their_words
from answerer.reader import REFUSE_BELOW, load_reader
from answerer.respond import Answerer, Request, understand
from indexer.encoder import Encoder
from indexer.snapshot import Snapshot
from retriever import HITS, Retriever, analyse_question

QUESTIONS = [
    "重慶2025年整車產量是多少?",
    "荷蘭政府為何接管安世?",
    "川普的關稅",
    "人形機器人IRON有幾個關節?",
    "???",
    "😀",
    "題",
]


@pytest.fixture(scope="module")
def answerer(snapshot: Snapshot, encoder: Encoder) -> Answerer:
    return Answerer(Retriever(snapshot, encoder), load_reader(), REFUSE_BELOW)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("k", [1, HITS, 40])
def test_hits_come_by_their_scores_and_are_those_of_the_retriever(answerer: Answerer, question: str, k: int) -> None:
    analysed = analyse_question(question)
    hits = answerer.search(analysed, k)
    assert all(one.score >= other.score for one, other in pairwise(hits))
    assert {hit.passage.id for hit in hits} <= {
        h.passage.id for h in answerer.retriever.retrieve(analysed, max(k, HITS))
    }
    assert len(hits) == len({hit.passage.id for hit in hits})


def test_the_passage_of_the_best_sentence_comes_first(answerer: Answerer) -> None:
    for question in QUESTIONS[:4]:
        found = answerer.find(analyse_question(question))
        best = found.reading.candidates[0]
        assert best.start in {span.start for span in found.hits[0].passage.sentences}


@pytest.mark.parametrize("count", [1, 3, 24])
def test_as_many_passages_are_read_as_are_wanted(answerer: Answerer, count: int) -> None:
    found = answerer.find(analyse_question(QUESTIONS[0]), count)
    assert len(found.hits) == count
    assert {c.hit.passage.id for c in found.reading.candidates} <= {hit.passage.id for hit in found.hits}


def test_many_threads_may_search_while_the_memory_of_sentences_overflows(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "KEPT", 30)
    alone = [[hit.passage.id for hit in answerer.search(analyse_question(q), 5)] for q in QUESTIONS]
    with ThreadPoolExecutor(4) as pool:
        rounds = list(pool.map(lambda q: answerer.search(analyse_question(q), 5), QUESTIONS * 6))
    assert [[hit.passage.id for hit in hits] for hits in rounds] == alone * 6


def best(answerer: Answerer, *turns: str) -> str:
    """The sentence read as the best answer to the last of the user's turns; nothing is replied to the others."""
    *history, question = (Message("user", turn) for turn in turns)
    candidate = answerer.find(understand(Request(question.content, tuple(history)))).reading.candidates[0]
    return candidate.article.body[candidate.start : candidate.end]


def test_a_follow_up_is_not_answered_with_what_answers_the_question_before_it(answerer: Answerer) -> None:
    assert "重慶以近250萬輛" in best(answerer, QUESTIONS[0])
    assert "合肥則以超過120萬輛" in best(answerer, QUESTIONS[0], "那合肥呢?")
    done = asyncio.run(answerer.answer(Request("那合肥呢?", (Message("user", QUESTIONS[0]),))))
    assert "合肥則以超過120萬輛" in done.answer.citations[0].quote


def test_a_question_that_stands_alone_is_answered_as_without_what_was_asked_before(answerer: Answerer) -> None:
    assert best(answerer, QUESTIONS[1], QUESTIONS[0]) == best(answerer, QUESTIONS[0])


def test_other_questions_without_content_words_change_nothing(answerer: Answerer) -> None:
    hits = answerer.retriever.retrieve(analyse_question(QUESTIONS[0]), HITS)
    alone, beside = (answerer.reader.read(QUESTIONS[0], candidates(hits), others) for others in ((), (("???", -0.5),)))
    assert [c.start for c in alone.candidates] == [c.start for c in beside.candidates]
    assert alone.scores.tolist() == beside.scores.tolist()


@pytest.mark.parametrize("text", ["英伟达的芯片卖多少钱?", "輝達的晶片賣多少錢?", "NVIDIA的晶片卖多少钱?"])
def test_a_question_is_read_in_the_articles_words(answerer: Answerer, text: str) -> None:
    found = candidates(answerer.retriever.retrieve(analyse_question(text), HITS))
    assert in_their_words(text, found) == "nvidia的晶片卖多少钱?"
    assert in_their_words(text, []) == "英伟达的芯片卖多少钱?"


def test_a_word_put_in_does_not_grow_together_with_latin_letters_and_digits(answerer: Answerer) -> None:
    found = candidates(answerer.retriever.retrieve(analyse_question(QUESTIONS[0]), HITS))
    question = "AI輝達2025年的H100賣多少?"
    nvidia = candidates(answerer.retriever.retrieve(analyse_question("輝達"), HITS))
    assert "nvidia 2025年" in in_their_words(question, nvidia)
    assert "英伟达2025年" in in_their_words(question, found)
