"""The encoders against sentence-transformers itself; the one module of these tests that imports torch."""

import random
from pathlib import Path

import numpy as np
import pytest

from indexer.articles import Article
from indexer.build import build_index, passage_text
from indexer.encoder import EncoderError, load_encoder
from indexer.encoder.static import StaticEncoder, to_sentence_transformers
from indexer.snapshot import Snapshot, open_snapshot
from language.folding import fold
from retriever import Retriever, analyse_question

HARD = [
    "",
    " ",
    "\x00",
    "???",
    "𠮷",
    "🚗" * 50,
    "a" * 5000,
    "\u202e\u200b",
    "級" * 3000,
    "Ｔｅｓｌａ",
    "\ufffd",
    "\n\n",
    "e\u0301",
]


@pytest.fixture(scope="module")
def texts(snapshot: Snapshot) -> list[str]:
    """Hard texts, all real passages, and pieces of them in a random order."""
    by_id = {article.id: article for article in snapshot.articles}
    passages = [passage_text(by_id[passage.article_id], passage) for passage in snapshot.passages]
    rng = random.Random(3)
    pieces = ["".join(rng.sample(text, min(len(text), rng.randint(1, 60)))) for text in passages * 3]
    return HARD + passages + pieces


def test_the_built_in_encoder_equals_sentence_transformers(texts: list[str]) -> None:
    ours = StaticEncoder().encode_documents(texts)
    theirs = to_sentence_transformers().encode([fold(text) for text in texts], show_progress_bar=False)
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape == (len(texts), StaticEncoder().dimension)
    assert np.abs(ours - theirs).max() < 1e-5


def test_built_in_vectors_have_length_one_or_nothing(texts: list[str]) -> None:
    lengths = np.linalg.norm(StaticEncoder().encode_documents(texts), axis=1)
    assert ((np.abs(lengths - 1) < 1e-5) | (lengths == 0)).all()
    assert lengths[0] == 0


def test_built_in_vectors_do_not_depend_on_the_batch(texts: list[str]) -> None:
    encoder = StaticEncoder()
    alone = np.concatenate([encoder.encode_documents([text]) for text in texts[:60]])
    assert np.array_equal(alone, encoder.encode_documents(texts[:60]))


def test_the_region_of_a_question_does_not_change_its_built_in_vector() -> None:
    encoder = StaticEncoder()
    one, *others = encoder.encode_queries(["英伟达的芯片卖给谁", "輝達的晶片賣給誰", "NVIDIA的晶片賣給誰"])
    assert all(np.array_equal(one, other) for other in others)
    assert np.array_equal(one, encoder.encode_documents(["英伟达的芯片卖给谁"])[0])


def test_the_script_of_a_text_does_not_change_its_built_in_vector() -> None:
    one, other = StaticEncoder().encode_documents(["重慶2025年整車產量", "重庆2025年整车产量"])
    assert np.array_equal(one, other)


def test_no_text_gives_no_vector() -> None:
    assert StaticEncoder().encode_documents([]).shape == (0, StaticEncoder().dimension)


def test_an_unknown_encoder_is_refused_with_what_to_set(tmp_path: Path) -> None:
    missing = str(tmp_path / "no-such-model")
    with pytest.raises(EncoderError) as caught:
        load_encoder(missing)
    assert missing in str(caught.value)
    assert "YEWEN_ENCODER" in str(caught.value)
    assert "'built-in'" in str(caught.value)


def test_a_folder_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{broken", encoding="utf-8")
    with pytest.raises(EncoderError, match="YEWEN_ENCODER"):
        load_encoder(str(tmp_path))


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory, articles: list[Article]) -> str:
    """A small sentence-transformers model of another size, made on the spot from the characters of the seeds."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    characters = sorted({character for article in articles for character in article.body})
    vocabulary = {character: number for number, character in enumerate(["[UNK]", *characters])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    weights = np.random.default_rng(5).standard_normal((len(vocabulary), 24)).astype(np.float32)
    folder = tmp_path_factory.mktemp("model") / "tiny"
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)], device="cpu").save(str(folder))
    return str(folder)


def test_a_saved_model_is_loaded_from_its_folder(saved_model: str) -> None:
    encoder = load_encoder(saved_model)
    vectors = encoder.encode_documents(["重慶", "重慶", "合肥"])
    assert encoder.dimension == 24
    assert saved_model in encoder.identity
    assert (vectors.dtype, vectors.shape) == (np.float32, (3, 24))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    assert np.array_equal(vectors[0], vectors[1])


def test_a_whole_index_is_built_and_searched_with_a_saved_model(
    saved_model: str, tmp_path: Path, articles: list[Article]
) -> None:
    encoder = load_encoder(saved_model)
    manifest, built = build_index(tmp_path / "index", articles, encoder)
    snapshot = open_snapshot(tmp_path / "index")
    assert built
    assert (manifest.dimension, manifest.encoder) == (24, encoder.identity)
    by_id = {article.id: article for article in articles}
    texts = [passage_text(by_id[passage.article_id], passage) for passage in snapshot.passages]
    stored = snapshot.vectors.rows(np.arange(len(texts)))
    assert np.abs(stored - encoder.encode_documents(texts)).max() < 1e-6
    (best, *_) = Retriever(snapshot, encoder).retrieve(analyse_question("重慶2025年整車產量是多少?"), 3)
    assert best.article.title.startswith("中國汽車第一城")


def test_a_model_that_was_changed_in_its_folder_is_another_encoder(saved_model: str, tmp_path: Path) -> None:
    """The identity says what vectors a snapshot holds: new weights under an old name must not reuse the old vectors."""
    import shutil

    from sentence_transformers import SentenceTransformer

    folder = tmp_path / "tiny"
    shutil.copytree(saved_model, folder)
    before = load_encoder(str(folder))
    model = SentenceTransformer(str(folder), device="cpu")
    model[0].embedding.weight.data.mul_(0).add_(1)
    model.save(str(folder))
    after = load_encoder(str(folder))
    assert not np.array_equal(before.encode_documents(["重慶"]), after.encode_documents(["重慶"]))
    assert before.identity != after.identity
